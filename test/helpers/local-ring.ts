/** A ring whose ranks are promises of one process. */
import type { Ring } from '../../src/base/ring.js';

/** Runs `work` on `size` ranks side by side, and returns what each gave. What a rank throws, its caller sees as with one rank. */
export function onRing<T>(
  size: number,
  work: (ring: Ring) => Promise<T>,
  hosts = Array.from({ length: size }, () => 'host'),
): Promise<T[]> {
  return Promise.all(localRings(hosts).map(work));
}

/** A ring with a rank for each name of a host. Every call waits until all ranks have made it, and all must be of one kind. */
export function localRings(hosts: readonly string[]): Ring[] {
  const size = hosts.length;
  let waiting = new Map<number, { call: string; part: Uint8Array; done: (parts: Uint8Array[]) => void; fail: (error: Error) => void }>();
  const exchange = (rank: number, call: string, part: Uint8Array) =>
    new Promise<Uint8Array[]>((done, fail) => {
      if (waiting.has(rank)) throw new Error(`Rank ${rank} made a call before its last one ended.`);
      waiting.set(rank, { call, part: part.slice(), done, fail });
      if (waiting.size < size) return;
      const all = Array.from(hosts, (_, r) => waiting.get(r)!);
      waiting = new Map();
      const other = all.findIndex((each) => each.call !== call || each.part.length !== part.length);
      for (const each of all) {
        if (other < 0) each.done(all.map((one) => one.part));
        else each.fail(new Error(`Ranks ${other} and ${rank} call ${all[other].call} and ${call}, or with other lengths.`));
      }
    });
  return hosts.map((host, rank) => ({
    rank,
    size,
    host,
    hosts,
    async meet() {
      await exchange(rank, 'meet', new Uint8Array());
    },
    async shift(send, receive) {
      receive.set((await exchange(rank, 'shift', send))[(rank + 1) % size]);
    },
    async gather(part) {
      const all = new Uint8Array(size * part.length);
      (await exchange(rank, 'gather', part)).forEach((each, r) => all.set(each, r * part.length));
      return all;
    },
    abort(code) {
      throw new Error(`aborted with ${code}`);
    },
    close: async () => {},
  }));
}
