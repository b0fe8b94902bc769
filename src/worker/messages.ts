/**
 * What a page and its worker say to each other. Either side calls a method of an object of the other by the object's number:
 * the page those of the engine and of what the engine has made, the worker the functions that the page gave it.
 */
import type { SentError } from './sent-error.js';

/** One message, of either side. */
export type Message =
  /** The first of the worker. */
  | { type: 'hello'; version: string; kinds: Readonly<Record<string, Kind>> }
  | { type: 'call'; id: number; target: number; method: string; args: unknown[] }
  /** What call `id` came to. */
  | { type: 'value'; id: number; value: unknown }
  | { type: 'error'; id: number; error: SentError }
  /** The page has aborted the signal of call `id`. */
  | { type: 'abort'; id: number }
  /** The page has no more use for an object. */
  | { type: 'forget'; target: number };

/** What objects of one class can be asked for, by name. */
export interface Kind {
  readonly methods: readonly string[];
  /** Methods that give an async iterable. */
  readonly streams: readonly string[];
}

/** The number of the engine. */
export const ENGINE = 0;

/** Stands in a message for what cannot be cloned; a name that no data has. */
export const STAND = '$dotbias';
export type Stand =
  /** An object that stays in the worker, and what is known of it. */
  | { [STAND]: 'object'; id: number; kind: string; fields: Readonly<Record<string, unknown>> }
  /** The same on its way back. */
  | { [STAND]: 'reference'; id: number }
  /** A function of the page. */
  | { [STAND]: 'function'; id: number }
  /** The signal of the call. */
  | { [STAND]: 'signal'; isAborted: boolean };

/** Whether something stands for something else. */
export const isStand = (value: unknown): value is Stand => typeof value === 'object' && value !== null && STAND in value;

/**
 * A value with those parts replaced for which `replace` gives something else than undefined. Only plain objects are looked into, as
 * options and results are: arrays are long, and hold data.
 */
export function replaceParts(value: unknown, replace: (part: unknown, name: string) => unknown, name = ''): unknown {
  const other = replace(value, name);
  if (other !== undefined) return other;
  if (typeof value !== 'object' || value === null || !isPlain(value)) return value;
  const parts = Object.entries(value).map(([key, part]) => [key, replaceParts(part, replace, name === '' ? key : `${name}.${key}`)]);
  return Object.fromEntries(parts);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
