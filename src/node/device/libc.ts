/**
 * The C library of this process, called directly in Deno and Bun. What Dawn loads and reads is C's: there `process.dlopen` lets
 * go of a library that is no addon, and Bun keeps variables that are set in `process.env` to itself. Node does neither.
 */
import { createRequire } from 'node:module';

interface Libc {
  dlopen(path: Uint8Array, flags: number): unknown;
  setenv(name: Uint8Array, value: Uint8Array, overwrite: number): unknown;
  unsetenv(name: Uint8Array): unknown;
}

type Open<Signature> = { dlopen(library: string, symbols: Record<keyof Libc, Signature>): { symbols: Libc } };

const LIBRARY = 'libc.so.6'; // glibc's; Dawn is built for no other
let opened: Libc | null | undefined;

/** Null in Node, and wherever Dawn's libraries are not chosen by variables. */
function open(): Libc | null {
  if (process.platform !== 'linux') return null;
  const { Deno: deno } = globalThis as { Deno?: Open<{ parameters: string[]; result: string }> | undefined };
  if (deno) {
    return deno.dlopen(LIBRARY, {
      dlopen: { parameters: ['buffer', 'i32'], result: 'pointer' },
      setenv: { parameters: ['buffer', 'buffer', 'i32'], result: 'i32' },
      unsetenv: { parameters: ['buffer'], result: 'i32' },
    }).symbols;
  }
  if (process.versions['bun'] === undefined) return null;
  const bun = createRequire(import.meta.url)('bun:ffi') as Open<{ args: string[]; returns: string }>;
  return bun.dlopen(LIBRARY, {
    dlopen: { args: ['ptr', 'i32'], returns: 'ptr' },
    setenv: { args: ['ptr', 'ptr', 'i32'], returns: 'i32' },
    unsetenv: { args: ['ptr'], returns: 'i32' },
  }).symbols;
}

function libc(): Libc | null {
  return opened === undefined ? (opened = open()) : opened;
}

const cString = (text: string) => new TextEncoder().encode(`${text}\0`);

/** What C's `dlopen` says: whether the library is loaded now. Undefined in Node. */
export function dlopen(path: string, flags: number): boolean | undefined {
  return libc() === null ? undefined : Boolean(libc()!.dlopen(cString(path), flags));
}

/** Sets a variable of this process, for C too; undefined unsets it. */
export function setVariable(name: string, value: string | undefined): void {
  if (value === undefined) {
    delete process.env[name];
    libc()?.unsetenv(cString(name));
  } else {
    process.env[name] = value;
    libc()?.setenv(cString(name), cString(value), 1);
  }
}
