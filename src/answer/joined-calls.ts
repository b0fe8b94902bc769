import { DeviceLostError } from '../base/errors.js';

interface Waiting<C, A> {
  call: C;
  resolve: (answer: A) => void;
  reject: (reason: unknown) => void;
}

/**
 * Joins calls: the first waits for others to come, and while some are answered the next gather. Each gets its own answer or its
 * own error: if answering several fails, each half of them is tried again, until the one that cannot be answered stands alone.
 * (Where the device is lost there is nothing to try.)
 */
export class JoinedCalls<C, A> {
  #waiting: Waiting<C, A>[] = [];
  #isRunning = false;

  /**
   * @param gather how long the first of some calls waits for others
   * @param answer the answers of several calls, in their order
   */
  constructor(
    private readonly gather: () => Promise<void>,
    private readonly answer: (calls: readonly C[]) => Promise<readonly A[]>,
  ) {}

  /** Answers a call together with those that come with it. */
  add(call: C): Promise<A> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ call, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    await this.gather();
    while (this.#waiting.length > 0) await this.#settle(this.#waiting.splice(0));
    this.#isRunning = false;
  }

  async #settle(some: readonly Waiting<C, A>[]): Promise<void> {
    try {
      const answers = await this.answer(some.map(({ call }) => call));
      some.forEach(({ resolve }, k) => resolve(answers[k]));
    } catch (error) {
      if (some.length === 1 || error instanceof DeviceLostError) return some.forEach(({ reject }) => reject(error));
      const half = Math.ceil(some.length / 2);
      await this.#settle(some.slice(0, half));
      await this.#settle(some.slice(half));
    }
  }
}

/** The answers of calls that are answered group by group, in the order of the calls. */
export async function inGroups<C, A>(
  calls: readonly C[],
  keyOf: (call: C) => string | number,
  answer: (some: readonly C[]) => Promise<readonly A[]>,
): Promise<A[]> {
  const groups = new Map<string | number, number[]>();
  calls.forEach((call, k) => {
    const key = keyOf(call);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [k]);
    else group.push(k);
  });
  const all: A[] = Array.from({ length: calls.length });
  for (const places of groups.values()) {
    const answers = await answer(places.map((k) => calls[k]));
    places.forEach((k, at) => (all[k] = answers[at]));
  }
  return all;
}
