/** A worker thread, of a browser or of Node: what the core needs of it. */
export interface Thread {
  /** Sends a message; the buffers in `transfer` move along, and are empty here. */
  post(message: unknown, transfer: ArrayBuffer[]): void;
  /** Who is told of each message from the thread, and, with a reason, if it cannot start or ends by an error. */
  listen(onMessage: (message: unknown) => void, onFailure: (reason: string) => void): void;
  /** Whether the process waits for it. A thread that nobody awaits must not keep a process alive. */
  hold(isHeld: boolean): void;
  /** Ends it at once. */
  end(): void;
}
