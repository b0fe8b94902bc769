/** `npm run bench:serve`: requests per second of a server that joins calls, and of one that does not; see README.md beside it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

const { values: flags } = parseArgs({
  options: {
    adapter: { type: 'string', default: 'software' },
    model: { type: 'string' },
    clients: { type: 'string', multiple: true, default: ['32', '256'] },
    seconds: { type: 'string', default: '10' },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const run = promisify(execFile);
const built = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const CLIENT = built('../../../bench/serve/client.mjs');

interface Load {
  perSecond: number;
  p50: number;
  p99: number;
  most: number;
  answered: number;
  failed: number;
  cpuMicroseconds: number;
}

if (flags.help) {
  console.log(`npm run bench:serve -- [options]
  --adapter NAME  which adapter the server opens (default: software)
  --model FILE    a model with the users 1 to 943 (default: one trained on MovieLens-100K for it)
  --clients N     connections; may be given several times (default: 32 and 256)
  --seconds S     of each measurement (default: 10), after one to warm up
  --only KIND     joined or plain`);
} else {
  const folder = await mkdtemp(join(tmpdir(), 'dotbias-bench-serve-'));
  try {
    const model = flags.model ?? (await trained(join(folder, 'model.safetensors')));
    const kinds = ['plain', 'joined'].filter((kind) => (flags.only ?? kind) === kind);
    for (const kind of kinds) await measure(kind, model);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function trained(path: string): Promise<string> {
  await run(process.execPath, [built('../../src/cli/main.js'), 'train', '--out', path]);
  return path;
}

async function measure(kind: string, model: string): Promise<void> {
  const server = spawn(process.execPath, [built('server.js'), kind, model, flags.adapter], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const lines = createInterface({ input: server.stdout! })[Symbol.asyncIterator]();
    const next = async () => JSON.parse((await lines.next()).value as string) as never;
    const { url, adapter } = (await next()) as { url: string; adapter: string };
    console.log(`${kind === 'plain' ? 'One recommend for each request' : 'dotbias serve'}, ${adapter}`);
    for (const clients of flags.clients) {
      const before = await cpu(server, next);
      const { stdout } = await run(process.execPath, [CLIENT, url, clients, flags.seconds, '943']);
      const load = JSON.parse(stdout) as Load;
      const seconds = Number(flags.seconds);
      // The warm-up's share is taken to be as that of the rest.
      const own = (((await cpu(server, next)) - before) * (seconds / (seconds + 1))) / load.answered;
      const { perSecond, p50, p99, most, failed, cpuMicroseconds } = load;
      console.log(
        `  ${clients.padStart(4)} clients: ${perSecond.toFixed(0)} requests/s, p50 ${p50} ms, p99 ${p99} ms, longest ${most} ms, ` +
          `${failed} failed; CPU per request ${own.toFixed(0)} us here, ${cpuMicroseconds.toFixed(0)} us in the client`,
      );
    }
  } finally {
    server.stdin!.end();
    server.kill();
  }
}

async function cpu(server: ChildProcess, next: () => Promise<never>): Promise<number> {
  server.stdin!.write('\n');
  return next();
}
