import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dotbias, temporaryFolder, writeRatings } from '../../helpers/cli.js';
import { orEnd, testGpu } from '../../helpers/device.js';

const test = suite('dotbias lr-find');
await orEnd(testGpu());

const folder = temporaryFolder();
const ratings = join(folder, 'ratings.csv');
writeRatings(ratings);

test('lr-find prints four suggestions and draws them', async () => {
  const svg = join(folder, 'finder', 'lr.svg');
  const { code, stdout, stderr } = await dotbias('lr-find', '--data', ratings, '--steps', '60', '--out', svg);
  assert.equal({ code, stderr }, { code: 0, stderr: '' });
  assert.match(
    stdout,
    /^Device: .+\nData: .+\nRange: .+\nrule +lr +meaning\nvalley +\d\.\d\de[-+]\d .+\nsteep .+\nslide .+\nminimum .+\nPlot written/,
  );
  assert.match(readFileSync(svg, 'utf8'), /^<svg .*valley \d/s);
  assert.equal(readdirSync(join(folder, 'finder')), ['lr.svg']);
});

test('a plot whose name promises another format is refused before anything is read', async () => {
  const { code, stdout, stderr } = await dotbias('lr-find', '--data', join(folder, 'none.csv'), '--out', join(folder, 'lr.gif'));
  assert.equal({ code, stdout }, { code: 1, stdout: '' });
  assert.match(stderr, /^error: .*lr\.gif ends with \.gif: the format follows from it, use \.svg\.\n$/);
});

test.run();
