import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addReproduce } from '../../../src/cli/commands/reproduce.js';
import type { TrainReport } from '../../../src/cli/print/train-report.js';
import { dotbias, dotbiasHere, temporaryFolder, writeRatings } from '../../helpers/cli.js';

const test = suite('dotbias reproduce');

const folder = temporaryFolder();
const file = (name: string) => join(folder, name);
writeRatings(file('ratings.csv'));
const args = ['--data', file('ratings.csv'), '--factors', '6', '--epochs', '2', '--keep-best', '--y-range', 'none', '--quiet'];
const trained = await dotbias('train', ...args, '--no-ratings', '--out', file('model'), '--report', file('run.json'));
const readReport = () => JSON.parse(readFileSync(file('run.json'), 'utf8')) as TrainReport;
const write = (name: string, change: Partial<TrainReport>) => writeFileSync(file(name), JSON.stringify({ ...readReport(), ...change }));

test('a run is reproduced from its report, also where the ratings lie elsewhere, and nothing is written', async () => {
  assert.equal([trained.code, trained.stderr], [0, '']);
  writeFileSync(file('moved.csv'), readFileSync(file('ratings.csv')));
  const before = readdirSync(folder);
  const { code, stdout, stderr } = await dotbias('reproduce', file('run.json'), '--data', file('moved.csv'), '--quiet');
  assert.equal([code, stderr], [0, '']);
  const parts = ['version', 'engine', 'adapter', 'data', 'settings', 'kernels', 'losses', 'validation', 'parameters', 'model file'];
  assert.equal(
    stdout.split('\n').flatMap((line) => /^(.*?) +the same( |$)/.exec(line)?.[1] ?? []),
    parts,
  );
  assert.match(stdout, /\nReproduced: all losses are the same, bit for bit, and so is the model\.\n$/);
  assert.equal(readdirSync(folder), before);
});

test('what differs is named, and the exit code is 1; ratings that are others are not trained on', async () => {
  const losses = Buffer.from(readReport().losses, 'base64');
  losses.writeFloatLE(losses.readFloatLE(4 * 50) + 0.5, 4 * 50);
  write('changed.json', { losses: losses.toString('base64'), version: '0.0.9' });
  const { code, stdout } = await dotbias('reproduce', file('changed.json'), '--quiet');
  assert.is(code, 1);
  assert.match(stdout, /^version +DIFFERENT +then dotbias 0\.0\.9; now dotbias /m);
  assert.match(stdout, /^losses +DIFFERENT +step 50 is the first that differs, .* 1 differ, at most by 0\.5\d* at step 50; 84 steps$/m);
  assert.match(stdout, /\nNot reproduced; different: losses\. That may come of what else is different: version\.\n$/);
  const other = await dotbias('reproduce', file('run.json'), '--data', 'planted', '--quiet');
  assert.is(other.code, 1);
  assert.match(other.stdout, /^data +DIFFERENT /m);
  assert.match(other.stderr, /^The ratings are others, so nothing was trained\.\n$/);
});

test('refused: what is no report, and runs without an end', async () => {
  write('stopped.json', { interrupted: true });
  write('short.json', { losses: '' });
  for (const [name, message] of [
    ['stopped.json', /^error: .*stopped\.json: This run was interrupted, so that there is no end of it to compare with\.\n$/],
    ['short.json', /^error: .*short\.json: This is not a report that .* wrote: its losses are not those of 84 steps\.\n$/],
    ['ratings.csv', /^error: .*ratings\.csv: This is not JSON: /],
  ] as const) {
    const { code, stderr } = await dotbiasHere(addReproduce, 'reproduce', file(name));
    assert.is(code, 1);
    assert.match(stderr, message);
  }
});

test.run();
