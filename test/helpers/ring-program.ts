/** A rank for tests: does what its argument names, and prints one line that begins with its number. */
import { openRing } from '../../src/node/mpi/open-ring.js';

const waits: string[] = [];
const ring = await openRing({ pieceBytes: 1000, patience: 0.2, onWait: (_, missing) => void waits.push(missing.join()) });
const { rank, size } = ring;
const say = (text: string) => console.log(`${rank}: ${text}`);
/** Numbers that follow from the rank and the place, and no piece of 1,000 of which equals another. */
const bytesOf = (of: number, n: number) => Uint8Array.from({ length: n }, (_, i) => (i * 7 + of * 31 + Math.floor(i / 256)) % 251);
const failing = rank === size - 1;

const WORK: Record<string, () => Promise<unknown>> = {
  /** Bytes of any length arrive from the rank after this one, and parts in the order of ranks. */
  async exchange() {
    for (const n of [0, 1, 999, 1000, 1001, 123_456]) {
      const receive = new Uint8Array(n);
      await ring.shift(bytesOf(rank, n), receive);
      if (Buffer.compare(receive, bytesOf((rank + 1) % size, n)) !== 0) throw new Error(`shift of ${n} bytes`);
      const all = await ring.gather(bytesOf(rank, n));
      for (let r = 0; r < size; r++) {
        if (Buffer.compare(all.subarray(r * n, (r + 1) * n), bytesOf(r, n)) !== 0) throw new Error(`gather of ${n} bytes, part ${r}`);
      }
    }
    say(`of ${size} on ${ring.hosts.length} hosts`);
  },
  /** Timers go on while a rank waits, and it knows for whom. */
  async wait() {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 10);
    if (failing) await new Promise((done) => setTimeout(done, 1500));
    await ring.meet();
    clearInterval(timer);
    say(`waited for ${[...new Set(waits)].join(' and ') || 'nobody'}, ${ticks > 10 ? 'ticking' : 'stuck'}`);
  },
  /** Calls that do not belong together; all ranks know it, and can go on. */
  async stray() {
    const call = failing ? ring.gather(new Uint8Array(5)) : ring.shift(new Uint8Array(7), new Uint8Array(7));
    say(
      await call.then(
        () => 'nothing',
        (error: Error) => error.message,
      ),
    );
  },
  async early() {
    const first = ring.meet();
    say(
      await ring.meet().then(
        () => 'nothing',
        (error: Error) => error.message,
      ),
    );
    await first;
  },
  async kill() {
    if (failing) process.kill(process.pid, 'SIGKILL');
    await ring.meet();
  },
  async throw() {
    if (failing) throw new Error('This rank failed.');
    await ring.meet();
  },
  async exit() {
    if (failing) process.exit(3);
    await ring.meet();
  },
  /** Ends as if all were well, and leaves the others waiting. */
  async leave() {
    if (failing) process.exit(0);
    await ring.meet();
  },
  async abort() {
    if (failing) ring.abort(5);
    await ring.meet();
  },
};

console.log(`pid ${process.pid}`);
await ring.meet();
await WORK[process.argv[2]]();
await ring.close();
