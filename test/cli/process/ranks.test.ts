/** What each process of a job says. Their environment is made here: no launcher is needed, and no MPI is reached. */
import { hostname } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dotbias, type Ended } from '../../helpers/cli.js';

const test = suite('ranks of the command line');

/** Runs `dotbias` as each of two ranks. */
async function asRanks(...args: string[]): Promise<Ended[]> {
  const results: Ended[] = [];
  process.env['OMPI_COMM_WORLD_SIZE'] = '2';
  for (const rank of ['0', '1']) {
    process.env['OMPI_COMM_WORLD_RANK'] = rank;
    results.push(await dotbias(...args));
  }
  for (const name of ['SIZE', 'RANK']) delete process.env[`OMPI_COMM_WORLD_${name}`];
  return results;
}

/** Rank 1 says an error as rank 0 does, after its number and machine. */
function assertRefused([first, second]: Ended[], sentence: string): void {
  const place = 'this is rank RANK of 2 of Open MPI';
  const line = (rank: number) => `error: ${sentence.replace('PLACE', place.replace('RANK', `${rank}`))}\n`;
  assert.equal(first, { code: 1, stdout: '', stderr: line(0) });
  assert.equal(second, { code: 1, stdout: '', stderr: `rank 1 on host ${hostname()}: ${line(1)}` });
}

test('commands of one process are refused, and sweep names its option', async () => {
  assertRefused(await asRanks('evaluate'), "'dotbias evaluate' runs in one process, and PLACE. Start it without a launcher.");
  assertRefused(
    await asRanks('sweep'),
    "'dotbias sweep' runs in one process, and PLACE. Start it without a launcher; --shard divides its work.",
  );
});

test('standard input is refused', async () => {
  const sentence = '--data - would read standard input, which only rank 0 has, and PLACE. Name files that every rank can read.';
  assertRefused(await asRanks('train', '--data', '-'), sentence);
});

test('what Commander refuses, and help, one rank says', async () => {
  const [first, second] = await asRanks('train', '--wrong');
  assert.match(first.stderr, /^error: unknown option '--wrong'/);
  assert.is(second.stderr, `rank 1 on host ${hostname()}: ${first.stderr}`);
  assert.is(second.code, 1);
  const [help, silence] = await asRanks('train', '--help');
  assert.match(help.stdout, /^Usage: dotbias train/);
  assert.equal(silence, { code: 0, stdout: '', stderr: '' });
});

test('a launcher of one process changes nothing', async () => {
  Object.assign(process.env, { OMPI_COMM_WORLD_SIZE: '1', OMPI_COMM_WORLD_RANK: '0' });
  const { code, stdout } = await dotbias('wgsl');
  for (const name of ['SIZE', 'RANK']) delete process.env[`OMPI_COMM_WORLD_${name}`];
  assert.is(code, 0);
  assert.match(stdout, 'lazyStep');
});

test.run();
