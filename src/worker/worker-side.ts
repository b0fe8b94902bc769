import { asyncDispose } from '../base/async-dispose.js';
import { show } from '../base/check.js';
import { DotbiasError } from '../base/errors.js';
import { VERSION } from '../base/version.js';
import { ENGINE, isStand, type Message, replaceParts, type Stand, STAND } from './messages.js';
import { Peer } from './peer.js';

/** What a page may do with objects of one class, which stay in the worker. */
export interface Exposed {
  readonly type: { readonly prototype: unknown };
  /** Methods that it may call, and properties that it may read by a call. */
  readonly methods: readonly string[];
  /** Properties that never change, which are sent along with the object. */
  readonly fields: readonly string[];
  /** More methods, or others instead: functions that are given the object first. */
  readonly functions: Readonly<Record<string, (self: never, ...args: never[]) => unknown>>;
  /** Those among all methods that give an async iterable. */
  readonly streams?: readonly string[] | undefined;
  /** Those whose results belong to the caller alone, so that their arrays can move. */
  readonly fresh?: readonly string[] | undefined;
}

/** What a call that its page has aborted ends with. */
const aborted = () => new DOMException('The page has aborted this call.', 'AbortError');

/** The worker's side of the calls. */
export class WorkerSide {
  readonly #peer: Peer;
  readonly #objects = new Map<number, object>();
  readonly #controllers = new Map<number, AbortController>();
  #nObjects = ENGINE;

  /** @param exposed by name; a class before those that it extends */
  constructor(
    post: (message: Message, transfer: ArrayBuffer[]) => void,
    engine: object,
    private readonly exposed: Readonly<Record<string, Exposed>>,
  ) {
    this.#peer = new Peer(post, (call, transfer) => this.#answer(call, transfer));
    this.#objects.set(ENGINE, engine);
    const kinds = Object.entries(exposed).map(([name, { methods, functions, streams = [] }]) => {
      const all = [...methods, ...Object.keys(functions), 'release'];
      return [name, { methods: all.filter((method) => !streams.includes(method)), streams }];
    });
    post({ type: 'hello', version: VERSION, kinds: Object.fromEntries(kinds) }, []);
  }

  receive(message: Message): void {
    if (message.type === 'abort') this.#controllers.get(message.id)?.abort(aborted());
    else if (message.type === 'forget') this.#objects.delete(message.target);
    else this.#peer.receive(message);
  }

  async #answer({ id, target, method, args }: Message & { type: 'call' }, transfer: ArrayBuffer[]): Promise<unknown> {
    const object = this.#objects.get(target);
    if (object === undefined) throw new DotbiasError('This object of the worker has been released.');
    if (object instanceof Stream) return this.#continue(object, target, method);
    const [name, exposed] = this.#kindOf(object)!;
    const own = Object.hasOwn(exposed.functions, method) ? exposed.functions[method] : undefined;
    if (own === undefined && !exposed.methods.includes(method) && method !== 'release') {
      throw new TypeError(`The worker's ${name} has no method ${show(method)}.`);
    }
    const given = args.map((arg) => this.#received(arg, id)) as never[];
    const member = (object as Record<string | symbol, unknown>)[method === 'release' ? asyncDispose : method];
    const result = own ? own(object as never, ...given) : typeof member === 'function' ? (member.apply(object, given) as unknown) : member;
    if (exposed.streams?.includes(method)) return this.#keep(new Stream(result as AsyncIterator<unknown>, id));
    try {
      const value = await result;
      if (method === 'release') this.#objects.delete(target);
      if (exposed.fresh?.includes(method)) buffersOf(value, transfer);
      return this.#sent(value);
    } finally {
      this.#controllers.delete(id);
    }
  }

  async #continue({ events, callId }: Stream, id: number, method: string): Promise<unknown> {
    if (method === 'next') return this.#sent(await events.next());
    this.#objects.delete(id);
    this.#controllers.delete(callId);
    await events.return?.();
    return undefined;
  }

  #kindOf = (value: unknown) => Object.entries(this.exposed).find(([, { type }]) => value instanceof (type as unknown as typeof Object));

  #keep(object: object): number {
    this.#objects.set(++this.#nObjects, object);
    return this.#nObjects;
  }

  /** A value as the page gets it: objects of these classes stay here. */
  #sent(value: unknown): unknown {
    return replaceParts(value, (part): Stand | undefined => {
      const [kind, exposed] = this.#kindOf(part) ?? [];
      if (kind === undefined || exposed === undefined) return undefined;
      const object = part as Record<string, unknown>;
      const fields = Object.fromEntries(exposed.fields.map((field) => [field, object[field]]));
      return { [STAND]: 'object', id: this.#keep(object), kind, fields: this.#sent(fields) as typeof fields };
    });
  }

  /** An argument of call `callId` as the page meant it. */
  #received(value: unknown, callId: number): unknown {
    return replaceParts(value, (part) => {
      if (!isStand(part)) return undefined;
      if (part[STAND] === 'reference') {
        const object = this.#objects.get(part.id);
        if (object === undefined) throw new DotbiasError('This object of the worker has been released.');
        return object;
      }
      if (part[STAND] === 'function') return this.#pageFunction(part.id);
      if (part[STAND] !== 'signal') return undefined;
      const controller = new AbortController();
      if (part.isAborted) controller.abort(aborted());
      this.#controllers.set(callId, controller);
      return controller.signal;
    });
  }

  /** A function of the page. What it throws is thrown here at once where its answer is awaited, else when it is called next. */
  #pageFunction(id: number) {
    let failure: Error | undefined;
    return (...args: unknown[]): Promise<unknown> => {
      if (failure) throw failure;
      const answer = this.#peer.call(id, '', args);
      answer.catch((error: Error) => (failure = error));
      return answer;
    };
  }
}

/** A stream under way. */
class Stream {
  constructor(
    readonly events: AsyncIterator<unknown>,
    /** The call that began it. */
    readonly callId: number,
  ) {}
}

/** Collects the buffers of arrays that fill them. */
function buffersOf(value: unknown, buffers: ArrayBuffer[]): void {
  replaceParts(value, (part) => {
    if (!ArrayBuffer.isView(part) || !(part.buffer instanceof ArrayBuffer)) return undefined;
    if (part.byteLength === part.buffer.byteLength && !buffers.includes(part.buffer)) buffers.push(part.buffer);
    return part;
  });
}
