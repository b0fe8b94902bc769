import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addDescribe } from '../../../src/cli/commands/describe.js';
import { describeRatings } from '../../../src/data/describe.js';
import { readRatings } from '../../../src/node/ratings/ratings-file.js';
import { dotbias, dotbiasHere, temporaryFolder, writeRatings } from '../../helpers/cli.js';

const folder = temporaryFolder();
const file = (name: string) => join(folder, name);
const DATA = file('ratings.csv');
writeRatings(DATA);
const describe = (...args: string[]) => dotbiasHere(addDescribe, 'describe', ...args);

test('describe --json prints what describeRatings says, and --plots draws it', async () => {
  const plots = file('plots');
  const { code, stdout, stderr } = await describe('--data', DATA, '--cold', '30', '--json', '--plots', plots);
  assert.equal([code, stderr], [0, '']);
  const { itemCounts: _, ...wanted } = describeRatings((await readRatings(DATA)).columns, { coldBelow: 30 });
  assert.equal(JSON.parse(stdout), { source: `ratings.csv (${DATA}).`, ...JSON.parse(JSON.stringify(wanted)) });
  assert.equal(readdirSync(plots).sort(), ['popularity.svg', 'ratings.svg']);
  for (const name of readdirSync(plots)) assert.match(readFileSync(join(plots, name), 'utf8'), /^<svg [^]*<\/svg>\n$/);
});

test('describe as text reads files as train does, and a split that is given as a whole', async () => {
  writeFileSync(file('odd.txt'), 'wer;was;rating\n"Zoë";a\u001bb;2\n"Zoë";a\u001bb;3\nx;y;4\n');
  const { code, stdout, stderr } = await dotbias('describe', '--data', file('odd.txt'), '--item-column', 'was', '--user-column', 'wer');
  assert.equal([code, stderr], [0, '']);
  assert.match(
    stdout,
    /^Data: odd\.txt .*\n3 ratings: 50 % of all pairs of user and item are rated\.\n1 pair of user and item is rated more/,
  );
  assert.match(stdout, /Ratings go from 2 to 4, 3\.0000 on average.*\nThey have no timestamps\.\n/);
  assert.match(stdout, /\nusers +2 +1 +1\.5 +1\.5 +2 +2 \(100 %\)\n/);
  const split = await describe('--train-file', DATA, '--valid-file', DATA);
  assert.match(split.stdout, /\n6,000 ratings: /);
});

test('describe refuses what it cannot use in one line, before it writes anything', async () => {
  writeFileSync(file('none.csv'), 'user,item,rating\n');
  for (const [args, message] of [
    [['--data', file('none.csv'), '--plots', file('never')], /none\.csv: There are no ratings in it\.\n$/],
    [['--data', DATA, '--cold', '0'], /whole number from 1 to/],
    [['--data', DATA, '--plots', ''], /--plots is given an empty name/],
    [['--data', DATA, '--plots', DATA], /ratings\.csv/],
  ] as const) {
    const { code, stdout, stderr } = await describe(...args);
    assert.equal([code, stdout], [1, '']);
    assert.match(stderr, message);
  }
  assert.not(readdirSync(folder).includes('never'));
});

test.run();
