/**
 * A ring over MPI. No call blocks: transfers are begun and then asked for, between which timers, signals and the device go on.
 *
 * Each collective call begins with a meeting: every rank tells every other one which call it makes and with how many bytes, 16
 * bytes for each pair. So a rank knows for whom it waits, and calls that do not belong together are refused, not mixed up.
 */
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Ring } from '../../base/ring.js';
import type { Mpi, Transfer } from './library.js';

export interface MpiRingOptions {
  host: string;
  /** Called after 30 seconds in which some ranks, such as `rank 5 (b)`, did not come, and each time that the wait has doubled. */
  onWait?: ((seconds: number, missing: readonly string[]) => void) | undefined;
  /** The longest message; more bytes go in several. Default: 1 GiB (MPI counts in 32-bit integers). */
  pieceBytes?: number | undefined;
  /** Seconds until the first `onWait`. Default: 30. */
  patience?: number | undefined;
}

type Call = 'meet' | 'shift' | 'gather' | 'close';
const CALLS: readonly Call[] = ['meet', 'shift', 'gather', 'close'];
/** Numbers of a rank at a meeting: the call and the bytes that it brings. */
const CARD = 2;
/** Bytes of the name of a host. */
const HOST_BYTES = 64;
/** How long a transfer is asked for without a pause, in ms: until others come, and once all are here. */
const EAGER = { meeting: 1, transfer: 1000 };
/** A pause is an eighth of the time waited so far, so that it adds little, and at most so many ms. */
const LONGEST_PAUSE = 5;

export async function mpiRing(mpi: Mpi, { host, onWait, pieceBytes = 2 ** 30, patience = 30 }: MpiRingOptions): Promise<Ring> {
  const { rank, size } = mpi;
  const others = Array.from({ length: size - 1 }, (_, i) => (rank + 1 + i) % size);
  /** Filled by the first exchange. */
  const hosts: string[] = [];
  let current: Call | undefined;

  /** Begins to send or receive bytes in pieces. */
  const inPieces = (begin: (bytes: Uint8Array, rank: number) => Transfer, bytes: Uint8Array, other: number): Transfer[] =>
    Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, i) =>
      begin(bytes.subarray(i * pieceBytes, (i + 1) * pieceBytes), other),
    );

  /** Ends once all ranks make the same call with as many bytes. */
  const meet = async (call: Call, nBytes: number) => {
    const mine = Float64Array.of(CALLS.indexOf(call), nBytes);
    const cards = new Float64Array(CARD * size);
    cards.set(mine, CARD * rank);
    const bytesOf = (numbers: Float64Array) => new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    const transfers = others.flatMap((other) => [
      { other, transfer: mpi.send(bytesOf(mine), other) },
      { other, transfer: mpi.receive(bytesOf(cards.subarray(CARD * other, CARD * (other + 1))), other) },
    ]);
    let report = patience;
    await ended(mpi, transfers, EAGER.meeting, (waiting, seconds) => {
      if (seconds < report) return;
      report *= 2;
      const missing = [...new Set(waiting.map(({ other }) => other))].sort((a, b) => a - b);
      onWait?.(
        Math.round(seconds),
        missing.map((other) => `rank ${other}${hosts.length > 0 ? ` (${hosts[other]})` : ''}`),
      );
    });
    const stray = others.find((other) => cards[CARD * other] !== mine[0] || cards[CARD * other + 1] !== mine[1]);
    if (stray === undefined) return;
    const says = (r: number) => `rank ${r} calls ${CALLS[cards[CARD * r]]} with ${cards[CARD * r + 1]} bytes`;
    throw new Error(`The ranks are out of step: ${says(rank)}, ${says(stray)}.`);
  };

  /** Meets for a call and then makes its transfers. */
  const collective = async (call: Call, nBytes: number, begin: () => Transfer[]) => {
    if (current !== undefined) throw new Error(`ring.${call} was called before ring.${current} had ended.`);
    current = call;
    try {
      await meet(call, nBytes);
      await ended(
        mpi,
        begin().map((transfer) => ({ transfer })),
        EAGER.transfer,
      );
    } finally {
      current = undefined;
    }
  };

  const gather = async (part: Uint8Array) => {
    const all = new Uint8Array(size * part.length);
    const place = (r: number) => all.subarray(r * part.length, (r + 1) * part.length);
    place(rank).set(part);
    await collective('gather', part.length, () =>
      others.flatMap((other) => [...inPieces(mpi.receive, place(other), other), ...inPieces(mpi.send, place(rank), other)]),
    );
    return all;
  };

  const name = new Uint8Array(HOST_BYTES);
  new TextEncoder().encodeInto(host, name);
  const names = await gather(name);
  for (let r = 0; r < size; r++) {
    hosts.push(new TextDecoder().decode(names.subarray(r * HOST_BYTES, (r + 1) * HOST_BYTES)).replace(/\0+$/, ''));
  }

  return {
    rank,
    size,
    host,
    hosts,
    meet: () => collective('meet', 0, () => []),
    shift(send, receive) {
      if (send.length !== receive.length) throw new RangeError(`receive has ${receive.length} bytes, but send ${send.length}.`);
      return collective('shift', send.length, () => [
        ...inPieces(mpi.receive, receive, (rank + 1) % size),
        ...inPieces(mpi.send, send, (rank - 1 + size) % size),
      ]);
    },
    gather,
    abort(code) {
      mpi.abort(code);
      process.exit(code);
    },
    async close() {
      await collective('close', 0, () => []);
      mpi.finalize();
    },
  };
}

/** Ends when all transfers have; `tell` hears at each pause which have not, and for how long none has. */
async function ended<T extends { transfer: Transfer }>(
  mpi: Mpi,
  transfers: readonly T[],
  eager: number,
  tell?: (waiting: readonly T[], seconds: number) => void,
): Promise<void> {
  const started = performance.now();
  let last = started;
  for (let waiting = transfers; ;) {
    const left = waiting.filter(({ transfer }) => !mpi.hasEnded(transfer));
    if (left.length === 0) return;
    const now = performance.now();
    if (left.length < waiting.length) last = now;
    waiting = left;
    if (now - last < eager) {
      await setImmediate();
    } else {
      tell?.(waiting, (now - started) / 1000);
      await setTimeout(Math.min((now - last) / 8, LONGEST_PAUSE));
    }
  }
}
