import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VERSION } from '../../src/base/version.js';
import { dotbias, startDotbias, temporaryFolder, writeRatings } from '../helpers/cli.js';
import { orEnd, testGpu } from '../helpers/device.js';

const test = suite('dotbias');
await orEnd(testGpu());

const folder = temporaryFolder();
const ratings = join(folder, 'ratings.csv');
writeRatings(ratings);

test('--version and --help', async () => {
  const [version, help, train] = await Promise.all([dotbias('--version'), dotbias('--help'), dotbias('train', '--help')]);
  assert.equal(version, { code: 0, stdout: `${VERSION}\n`, stderr: '' });
  assert.is(help.code, 0);
  for (const command of ['train', 'lr-find', 'info', 'wgsl', 'Exit codes']) assert.match(help.stdout, command);
  for (const text of ['--data <path>', '(default: 0.1)', '--y-range <lo,hi>', '--report <file>', '#na#'])
    assert.ok(train.stdout.includes(text), text);
  for (const old of ['--recipe', '--path']) assert.not.match(train.stdout, old);
});

test('what is refused is told in one line on stderr, with exit code 1', async () => {
  const [flag, data] = await Promise.all([dotbias('train', '--recipe', 'best'), dotbias('train', '--out', folder)]);
  assert.equal(flag, { code: 1, stdout: '', stderr: 'error: --recipe is now --preset.\n' });
  assert.equal(data, { code: 1, stdout: '', stderr: `error: ${folder} is a folder; name a file to write.\n` });
});

test('a reader that goes away is no error', async () => {
  const { child, stderr } = startDotbias('train', '--data', ratings, '--factors', '8', '--epochs', '3');
  child.stdout!.once('data', () => child.stdout!.destroy());
  assert.is(await new Promise((resolve) => child.on('close', resolve)), 0);
  assert.is(stderr(), '');
});

test.run();
