/** A fit as a sequence of events. */
import type { EpochRecord, FitProgress } from './fit.js';
import type { FitOptions } from './run-fit.js';

/** What happened in a fit: the losses of a submission came back, or an epoch has ended. */
export type TrainEvent = ({ type: 'steps' } & FitProgress) | { type: 'epoch'; record: EpochRecord };

/**
 * Runs a fit, and gives its events in the order in which they come.
 *
 * Events wait until they are asked for; the fit rests after each epoch until the event after that is asked for. So no more
 * than an epoch's events ever wait, and in the loop's body for an epoch the model is that of the epoch's end.
 *
 * @param begin begins the fit with the options given to it
 * @returns the fit's records
 */
export async function* streamFit<O extends FitOptions>(
  begin: (options: O) => Promise<EpochRecord[]>,
  options: O,
): AsyncGenerator<TrainEvent, EpochRecord[], void> {
  const { signal, onProgress, onEpoch } = options;
  const events: TrainEvent[] = [];
  let isOver = false;
  let isLeft = false;
  let wake = () => {};
  let goOn = () => {};
  const stop = new AbortController();
  const abort = () => stop.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort);
  const push = (event: TrainEvent) => {
    events.push(event);
    wake();
  };
  const fit = begin({
    ...options,
    signal: stop.signal,
    onProgress(progress) {
      push({ type: 'steps', ...(onProgress ? structuredClone(progress) : progress) });
      onProgress?.(progress);
    },
    async onEpoch(record) {
      const isEnd = await onEpoch?.(record);
      if (!isLeft) {
        const rest = new Promise<void>((resolve) => (goOn = resolve));
        push({ type: 'epoch', record });
        await rest;
      }
      return isEnd;
    },
  });
  const end = () => {
    isOver = true;
    wake();
  };
  fit.then(end, end);
  try {
    for (;;) {
      for (let event = events.shift(); event !== undefined; event = events.shift()) {
        yield event;
        if (event.type === 'epoch') goOn();
      }
      if (isOver) return await fit;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    // The loop was left, or has ended.
    isLeft = true;
    abort();
    goOn();
    signal?.removeEventListener('abort', abort);
    await fit;
  }
}
