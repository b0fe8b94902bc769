import { asyncDispose } from '../base/async-dispose.js';
import { DotbiasError } from '../base/errors.js';
import { VERSION } from '../base/version.js';
import type { Thread } from '../gpu/thread.js';
import { isStand, type Kind, type Message, replaceParts, type Stand, STAND } from './messages.js';
import { Peer } from './peer.js';

/** A worker that has not said within this time that it is there is given up. */
const START_MS = 60_000;
/** Options that may be functions: whoever calls them waits for the page's answer, or needs none. */
const FUNCTIONS = ['onProgress', 'onEpoch', 'checkpoint'];

/** An object of the worker as the page sees it: what is known of it, and methods that are calls. */
export type RemoteObject = Record<string | symbol, unknown>;
type Done = (...args: unknown[]) => unknown;

/** Where objects live: in which worker, under which number. */
const homes = new WeakMap<object, { side: PageSide; id: number }>();

/** The page's side of the calls. */
export class PageSide {
  readonly #peer: Peer;
  readonly #functions = new Map<number, Done>();
  readonly #unused = new FinalizationRegistry<number>((target) => this.#peer.post({ type: 'forget', target }, []));
  #kinds: Readonly<Record<string, Kind>> | undefined;
  #nFunctions = 0;
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor(private readonly thread: Thread) {
    this.#peer = new Peer(
      (message, transfer) => thread.post(message, transfer),
      async ({ target, args }) => (await this.#functions.get(target)?.(...args)) === true,
    );
    const tooLate = () => this.end(`it said nothing in ${START_MS / 1000} seconds; its script must import 'dotbias/worker'`);
    this.#timer = setTimeout(tooLate, START_MS);
    thread.listen(
      (message) => {
        if (this.#kinds === undefined) this.#greet(message as Message);
        else this.#peer.receive(message as Message);
      },
      (reason) => this.end(reason),
    );
  }

  /** Ends the worker: all calls, those that wait and those to come, are rejected. */
  end(reason: string): void {
    clearTimeout(this.#timer);
    this.thread.end();
    this.#peer.fail(
      new DotbiasError(`The worker has ended: ${reason}. Connect another, and make or load the model anew.`, { cause: reason }),
    );
  }

  #greet(message: Message): void {
    if (message?.type !== 'hello') return this.end("its script is another; it must import 'dotbias/worker', and post nothing of its own");
    if (message.version !== VERSION) {
      return this.end(`it runs dotbias ${message.version}, and the page dotbias ${VERSION}; build both from one version`);
    }
    clearTimeout(this.#timer);
    this.#kinds = message.kinds;
  }

  /** An object of the worker. */
  remote(id: number, { methods, streams }: Kind, fields: Readonly<Record<string, unknown>> = {}): RemoteObject {
    const remote: RemoteObject = { ...(this.#received(fields) as object) };
    for (const name of methods) remote[name] = (...args: unknown[]) => this.#call(remote, name, args);
    for (const name of streams) remote[name] = (...args: unknown[]) => this.#stream(remote, name, args);
    remote[asyncDispose] = remote['release'];
    homes.set(remote, { side: this, id });
    this.#unused.register(remote, id);
    return remote;
  }

  async #call(remote: RemoteObject, method: string, args: readonly unknown[]): Promise<unknown> {
    const { answer, end, explain } = this.#send(remote, method, args);
    try {
      return this.#received(await answer);
    } catch (error) {
      throw explain(error);
    } finally {
      end();
    }
  }

  /** The events of an iterator in the worker, each asked for when the loop wants it: what makes them is held up as by a loop over there. */
  async *#stream(remote: RemoteObject, method: string, args: readonly unknown[]): AsyncGenerator<unknown, unknown, void> {
    const { answer, end, explain } = this.#send(remote, method, args);
    let iterator: number | undefined;
    try {
      iterator = (await answer) as number;
      for (;;) {
        const { done, value } = (await this.#peer.call(iterator, 'next', [])) as IteratorResult<unknown>;
        if (done) return this.#received(value);
        yield this.#received(value);
      }
    } catch (error) {
      throw explain(error);
    } finally {
      if (iterator !== undefined) await this.#peer.call(iterator, 'return', []);
      end();
    }
  }

  /**
   * Calls a method.
   * @returns its answer; what to do when nothing more comes of it; and what it has thrown, its signal's reason if it was aborted
   */
  #send(remote: RemoteObject, method: string, args: readonly unknown[]) {
    const callId = this.#peer.nextId;
    const functions: number[] = [];
    let signal: AbortSignal | undefined;
    const stand = (part: unknown, name: string): Stand | undefined => {
      if (part instanceof AbortSignal) {
        signal = part;
        return { [STAND]: 'signal', isAborted: part.aborted };
      }
      if (typeof part === 'function') {
        const id = ++this.#nFunctions;
        if (!FUNCTIONS.includes(name)) throw new TypeError(`${method}: ${name || 'an argument'} is a function. ${CANNOT_CROSS}`);
        this.#functions.set(id, part as Done);
        functions.push(id);
        return { [STAND]: 'function', id };
      }
      const home = typeof part === 'object' && part !== null ? homes.get(part) : undefined;
      if (home && home.side !== this) throw new TypeError(`${method}: ${name || 'an argument'} is an object of another worker.`);
      return home && { [STAND]: 'reference', id: home.id };
    };
    const answer = this.#peer.call(
      homes.get(remote)!.id,
      method,
      args.map((arg) => replaceParts(arg, stand)),
    );
    const abort = () => this.#peer.post({ type: 'abort', id: callId }, []);
    signal?.addEventListener('abort', abort);
    return {
      answer,
      end: () => {
        signal?.removeEventListener('abort', abort);
        functions.forEach((id) => this.#functions.delete(id));
      },
      explain: (error: unknown) => {
        const { name } = error as Error;
        if (name === 'AbortError' && signal?.aborted) return signal.reason as unknown;
        return name === 'DataCloneError'
          ? new TypeError(`${method}: ${(error as Error).message} ${CANNOT_CROSS}`, { cause: error })
          : error;
      },
    };
  }

  /** A value of the worker, with its objects as those of the page. */
  #received(value: unknown): unknown {
    return replaceParts(value, (part) => {
      if (!isStand(part) || part[STAND] !== 'object') return undefined;
      return this.remote(part.id, this.#kinds![part.kind], part.fields);
    });
  }
}

const CANNOT_CROSS =
  `Only data, and functions named ${FUNCTIONS.join(', ')}, cross to a worker: for ops, orders and callbacks of your own, ` +
  "use the core in the page's thread, or in a worker that you write.";
