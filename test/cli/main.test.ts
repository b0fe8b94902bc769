import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VERSION } from '../../src/base/version.js';
import { dotbias, startDotbias, temporaryFolder, writeRatings } from '../helpers/cli.js';
import { sharedGpu } from '../helpers/gpu.js';

const test = suite('dotbias');
const gpu = await sharedGpu().catch((error: Error) => (console.log(`skipped: ${error.message}`), null));

const folder = temporaryFolder();
const ratings = join(folder, 'ratings.csv');
writeRatings(ratings);

test('--version and --help', async () => {
  const [version, help, train] = await Promise.all([dotbias('--version'), dotbias('--help'), dotbias('train', '--help')]);
  assert.equal(version, { code: 0, stdout: `${VERSION}\n`, stderr: '' });
  assert.is(help.code, 0);
  for (const command of ['train', 'lr-find', 'info', 'wgsl', 'Exit codes']) assert.match(help.stdout, command);
  for (const text of ['--data <path>', '(default: 0.1)', '(default: 0,5.5)', '--report <file>', '#na#'])
    assert.ok(train.stdout.includes(text), text);
});

const wrong: [args: string, message: RegExp][] = [
  ['train --epochs 1.5', /'--epochs <n>' argument '1\.5' is invalid\. Use a whole number/],
  ['train --lr', /argument missing/],
  ['train --preset fastai3', /Allowed choices are fastai1, fastai2/],
  ['train --batchsize 3', /unknown option '--batchsize'/],
  ['train ratings.csv', /too many arguments/],
  ['trane', /unknown command 'trane'/],
  ['train --train-file a', /--train-file needs --valid-file/],
  [`train --out ${folder}`, /is a folder/],
  [`train --report ${ratings}/report`, /is not a folder/],
  [`train --data ${join(folder, 'nowhere.csv')}`, /nowhere\.csv: There is no such file/],
  [`train --data ${ratings} --batch-size 2701`, /batchSize 2701 is larger than the 2700 training ratings/],
  ['train --adapter abacus', /No adapter fits 'abacus'/],
  ['wgsl nothing', /There is no kernel 'nothing'/],
];
for (const [args, message] of wrong) {
  test(`refused in one sentence, with exit code 1: ${args.replaceAll(folder, '')}`, async () => {
    const { code, stderr } = await dotbias(...args.split(' '));
    assert.is(code, 1);
    assert.match(stderr, /^error: [^\n]+\n(\(Did you mean [^\n]+\)\n)?$/);
    assert.match(stderr, message);
  });
}

test('lr-find prints four suggestions and draws them', async () => {
  const svg = join(folder, 'finder', 'lr.svg');
  const { code, stdout, stderr } = await dotbias('lr-find', '--data', ratings, '--steps', '60', '--out', svg);
  assert.is(code, 0, stderr);
  assert.match(
    stdout,
    /^Device: .+\nData: .+\nrule +lr +meaning\nvalley +\d\.\d\de[-+]\d .+\nsteep .+\nslide .+\nminimum .+\nPlot written/,
  );
  assert.match(readFileSync(svg, 'utf8'), /^<svg .*valley \d/s);
  assert.equal(readdirSync(join(folder, 'finder')), ['lr.svg']);
});

test('info shows the adapters and which one is used', async () => {
  const [text, json] = await Promise.all([dotbias('info'), dotbias('info', '--json')]);
  assert.is(text.code, 0);
  const info = JSON.parse(json.stdout);
  assert.is(info.dotbias, VERSION);
  assert.is(info.node, process.version);
  assert.ok(info.adapters.some(({ name }: { name: string }) => name === info.used.name));
  assert.ok(info.adapters[0].limits.maxBufferSize > 0);
  assert.match(text.stdout, `A run would use ${info.used.name}`);
  for (const { name } of info.adapters) assert.match(text.stdout, name);
});

test('info without an adapter says what to do, with exit code 1', async () => {
  if (process.platform !== 'linux') return;
  const before = process.env['VK_ICD_FILENAMES'];
  process.env['VK_ICD_FILENAMES'] = '/none/such.json';
  const { code, stdout } = await dotbias('info').finally(() => {
    if (before === undefined) delete process.env['VK_ICD_FILENAMES'];
    else process.env['VK_ICD_FILENAMES'] = before;
  });
  assert.is(code, 1);
  assert.match(stdout, /No WebGPU adapter was found\. .+VK_ICD_FILENAMES/);
});

test('wgsl lists the kernels and prints each as a module', async () => {
  const { stdout } = await dotbias('wgsl');
  const names = stdout.trim().split('\n');
  assert.ok(names.includes('forward') && names.includes('lazyUpdate'));
  const forward = async (...more: string[]) => (await dotbias('wgsl', 'forward', ...more)).stdout;
  const [plain, noBias, noRange, noImmediates] = await Promise.all([
    forward(),
    forward('--no-bias'),
    forward('--y-range', 'none'),
    forward('--no-immediates'),
  ]);
  assert.match(plain, /var<immediate>.*@compute/s);
  assert.match(noBias, 'no bias');
  assert.match(noRange, 'identity');
  assert.not.match(noImmediates, 'var<immediate>');
});

test('a reader that goes away is no error', async () => {
  const child = startDotbias('train', '--data', ratings, '--factors', '8', '--epochs', '3');
  let stderr = '';
  child.stderr!.on('data', (text) => void (stderr += text));
  child.stdout!.once('data', () => child.stdout!.destroy());
  assert.is(await new Promise((resolve) => child.on('close', resolve)), 0);
  assert.is(stderr, '');
});

if (gpu !== null) test.run();
