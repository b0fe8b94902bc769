import type { Message } from './messages.js';
import { reviveError, sendError } from './sent-error.js';

type Call = Message & { type: 'call' };

/** Calls to and fro: each has a number, by which its answer finds whoever waits for it. */
export class Peer {
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #nCalls = 0;
  #failure: Error | undefined;

  constructor(
    readonly post: (message: Message, transfer: ArrayBuffer[]) => void,
    /** What the other side asks for, now or later; what it throws is an answer too. Buffers put into `transfer` move along. */
    private readonly answer: (call: Call, transfer: ArrayBuffer[]) => unknown,
  ) {}

  /** The number of the next call. */
  get nextId(): number {
    return this.#nCalls + 1;
  }

  /** Calls a method of an object of the other side. */
  call(target: number, method: string, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#failure) throw this.#failure;
      const id = ++this.#nCalls;
      this.post({ type: 'call', id, target, method, args: [...args] }, []);
      this.#waiting.set(id, { resolve, reject });
    });
  }

  /** Deals with a call or an answer. */
  receive(message: Message): void {
    if (message.type === 'call') void this.#reply(message);
    if (message.type !== 'value' && message.type !== 'error') return;
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.type === 'value') waiting?.resolve(message.value);
    else waiting?.reject(reviveError(message.error));
  }

  async #reply(call: Call): Promise<void> {
    const { id } = call;
    const transfer: ArrayBuffer[] = [];
    try {
      this.post({ type: 'value', id, value: await this.answer(call, transfer) }, transfer);
    } catch (error) {
      this.post({ type: 'error', id, error: sendError(error) }, []);
    }
  }

  /** Rejects all calls, those that wait and those to come. */
  fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
