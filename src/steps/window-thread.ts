import { DotbiasError } from '../base/errors.js';
import type { RoundsPlan } from '../data/rounds.js';
import type { Thread } from '../gpu/thread.js';
import type { HostBatchSizes, HostWindow, WindowRoom } from './host-batches.js';
import { buffersOf, READY, type WindowRequest, type WindowSetup } from './window-messages.js';
import type { Batches } from './stepper.js';
import { planOf, type HostWindows } from './host-windows.js';

/** A thread that does not say within this time that it is ready is given up. */
const START_MS = 10_000;

interface Reply {
  resolve(message: unknown): void;
  reject(error: Error): void;
}

/**
 * Windows made in a thread, which has the training ratings for itself: 12 bytes each. Arrays go to and fro by transfer, which needs
 * no shared memory, and return with a later request, so that their number stays what it is at most at one time. The process
 * waits for the thread only while a window is on its way.
 */
export class WindowThread implements HostWindows {
  readonly note = 'Batches are made in a thread of their own.';
  readonly #thread: Thread;
  /** Who waits for a message, the oldest first. */
  readonly #waiting: Reply[] = [];
  readonly #prepared: { batches: Batches; window: Promise<HostWindow> }[] = [];
  readonly #rooms: WindowRoom[] = [];
  #failure: Error | undefined;

  private constructor(thread: Thread) {
    this.#thread = thread;
    thread.listen(
      (message) => this.#waiting.shift()?.resolve(message),
      (reason) =>
        this.#fail(new DotbiasError(`The thread that makes batches has ended: ${reason}. Make the learner anew.`, { cause: reason })),
    );
  }

  /**
   * @param ratings of `interleave`; they move to the thread
   * @param rounds of training in strata
   * @throws Error, with a phrase, if the thread does not start
   */
  static async start(
    startThread: () => Thread,
    ratings: Uint32Array<ArrayBuffer>,
    sizes: HostBatchSizes,
    rounds?: RoundsPlan | undefined,
  ): Promise<WindowThread> {
    const windows = new WindowThread(startThread());
    const tooLate = () => windows.#fail(new Error('', { cause: `it was not ready after ${START_MS / 1000} seconds` }));
    const timer = setTimeout(tooLate, START_MS);
    try {
      const message = await windows.#message();
      if (message !== READY) windows.#fail(new Error('', { cause: 'its script is another' }));
      if (windows.#failure) throw windows.#failure;
    } catch (error) {
      throw new Error(`the thread for them did not start: ${String((error as Error).cause)}`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
    windows.#thread.post({ ratings, sizes, rounds } satisfies WindowSetup, [ratings.buffer]);
    return windows;
  }

  async prepare(coming: readonly Batches[]): Promise<void> {
    for (const batches of coming) {
      if (this.#prepared.some((prepared) => prepared.batches === batches)) continue;
      const window = this.#ask(batches);
      window.catch(() => undefined); // whoever takes it is told
      this.#prepared.push({ batches, window });
    }
    await this.#prepared.find(({ batches }) => batches === coming[0])?.window;
  }

  take(batches: Batches): Promise<HostWindow> {
    const place = this.#prepared.findIndex((prepared) => prepared.batches === batches);
    if (place < 0) this.drop();
    for (let k = 0; k < place; k++) this.#dropFirst();
    return this.#prepared.shift()?.window ?? this.#ask(batches);
  }

  recycle({ touches, members, entries }: HostWindow): void {
    this.#rooms.push({ touches: whole(touches), members: whole(members), entries });
  }

  drop(): void {
    while (this.#prepared.length > 0) this.#dropFirst();
  }

  release(): void {
    this.#fail(new DotbiasError('The learner was released while batches were made.'));
    this.#rooms.length = 0;
  }

  #dropFirst(): void {
    this.#prepared
      .shift()!
      .window.then((window) => this.recycle(window))
      .catch(() => undefined);
  }

  async #ask(batches: Batches): Promise<HostWindow> {
    if (this.#failure) throw this.#failure;
    const room = this.#rooms.pop();
    this.#thread.post({ plan: planOf(batches), room } satisfies WindowRequest, room ? buffersOf(room) : []);
    return (await this.#message()) as HostWindow;
  }

  /** The next message for which nobody waits yet. */
  async #message(): Promise<unknown> {
    this.#thread.hold(true);
    try {
      return await new Promise<unknown>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    } finally {
      if (this.#waiting.length === 0) this.#thread.hold(false);
    }
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#thread.end();
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** All of the array of which this is a part. */
const whole = ({ buffer }: Uint32Array<ArrayBuffer>) => new Uint32Array(buffer);
