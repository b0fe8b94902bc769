import { DotbiasError } from './errors.js';
import { fingerprintText } from './fingerprint.js';

/**
 * Processes that train one model together, each between two others in a ring. All calls but `abort` are collective: every
 * rank makes them, in one order, and one begins when the one before has ended.
 */
export interface Ring {
  /** The number of this process, from 0. */
  readonly rank: number;
  /** How many processes there are. */
  readonly size: number;
  /** The name of this process's machine. */
  readonly host: string;
  /** The machines of all ranks. */
  readonly hosts: readonly string[];
  /** Ends once all ranks have called it. */
  meet(): Promise<void>;
  /** Sends bytes to the rank before this one (to the last from rank 0), and receives as many as the rank after it sends. */
  shift(send: Uint8Array, receive: Uint8Array): Promise<void>;
  /** The parts of all ranks one after the other, by rank. All are of one length. */
  gather(part: Uint8Array): Promise<Uint8Array>;
  /** Ends all ranks at once, with this exit code. */
  abort(code: number): never;
  /** Leaves the ring once all ranks do; nothing can be called afterwards. */
  close(): Promise<void>;
}

/** The ring of one process. */
export const ALONE: Ring = {
  rank: 0,
  size: 1,
  host: 'this machine',
  hosts: ['this machine'],
  meet: async () => {},
  shift: async (send, receive) => receive.set(send),
  gather: async (part) => part.slice(),
  abort(code) {
    throw new DotbiasError(`The work was ended with exit code ${code}.`);
  },
  close: async () => {},
};

/** The numbers of all ranks, by rank. All bring equally many; every rank calls it. */
export async function gatherNumbers(ring: Pick<Ring, 'size' | 'gather'>, mine: Float64Array<ArrayBuffer>): Promise<Float64Array[]> {
  const bytes = await ring.gather(new Uint8Array(mine.buffer, mine.byteOffset, mine.byteLength));
  return split(bytes, ring.size).map((each) => new Float64Array(each.slice().buffer));
}

/** The texts of all ranks, by rank; every rank calls it. */
export async function gatherTexts(ring: Pick<Ring, 'size' | 'gather'>, mine: string): Promise<string[]> {
  const text = encode(mine);
  const lengths = await gatherNumbers(ring, Float64Array.of(text.length));
  const padded = new Uint8Array(Math.max(...lengths.map(([length]) => length)));
  padded.set(text);
  return split(await ring.gather(padded), ring.size).map((bytes) => decode(bytes));
}

/** What each rank says first. Another version of the exchange has another number. */
const MAGIC = 'dotbias ring 1';
/** Bytes of a greeting: the magic and the fingerprint of the settings. */
const HELLO = { magic: 0, fingerprint: 16, size: 64 };

/**
 * Makes sure that all ranks work on the same: the version, the settings and the fingerprint of the data, each by its name. 64
 * bytes of each rank are enough where they do; only where they do not, the settings themselves are exchanged.
 *
 * @param settings what JSON can say; also `undefined`, NaN and infinities
 * @throws DotbiasError on every rank, naming the first setting that differs, with its values, ranks and machines
 */
export async function agree(ring: Ring, settings: Readonly<Record<string, unknown>>): Promise<void> {
  const { size, hosts } = ring;
  const settled = JSON.stringify(Object.entries(settings).map(([name, value]) => [name, JSON.stringify(value, exact)]));
  const hello = new Uint8Array(HELLO.size);
  hello.set(encode(MAGIC), HELLO.magic);
  hello.set(encode(fingerprintText(settled)), HELLO.fingerprint);

  const greetings = split(await ring.gather(hello), size);
  const stranger = greetings.findIndex((other) => decode(other.subarray(HELLO.magic, HELLO.fingerprint)) !== MAGIC);
  if (stranger >= 0)
    throw new DotbiasError(`Rank ${stranger} (${hosts[stranger]}) runs another version of dotbias. Start all with one version.`);
  if (greetings.every((other) => other.every((byte, i) => byte === greetings[0][i]))) return;

  const texts = await gatherTexts(ring, settled);
  const all = texts.map((each) => new Map(JSON.parse(each) as [string, string | null][]));
  for (const name of new Set(all.flatMap((each) => [...each.keys()]))) {
    const other = all.findIndex((each) => each.get(name) !== all[0].get(name));
    if (other < 0) continue;
    const says = (rank: number) => `${all[rank].get(name) ?? 'not set'} on rank ${rank} (${hosts[rank]})`;
    const what = `${name} is ${says(0)}, ${says(other)}`;
    throw new DotbiasError(`The ranks differ: ${what}. Start all with one version, one command and one data set.`);
  }
}

/** Numbers that JSON lacks, as texts: NaN and infinity are not null. */
function exact(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function split(bytes: Uint8Array, nParts: number): Uint8Array[] {
  const length = bytes.length / nParts;
  return Array.from({ length: nParts }, (_, i) => bytes.subarray(i * length, (i + 1) * length));
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A text without the zeros that fill its field. */
function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replace(/\0+$/, '');
}
