import type { Thread } from './thread.js';

/** A worker of the web, or a port that leads to one. */
export function webThread(port: Worker | MessagePort): Thread {
  return {
    post: (message, transfer) => port.postMessage(message, transfer),
    listen(onMessage, onFailure) {
      port.addEventListener('message', (event) => onMessage((event as MessageEvent).data));
      port.addEventListener('messageerror', () => onFailure('a message could not be read'));
      port.addEventListener('close', () => onFailure('its port was closed'));
      port.addEventListener('error', (event) => {
        event.preventDefault();
        onFailure((event as ErrorEvent).message || 'its script could not be loaded');
      });
      if ('start' in port) port.start();
    },
    hold: () => undefined,
    end: () => ('terminate' in port ? port.terminate() : port.close()),
  };
}
