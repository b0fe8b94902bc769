import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeSafetensors } from '../../../src/base/safetensors.js';
import { addImport } from '../../../src/cli/commands/import.js';
import { readModelFile } from '../../../src/node/files/model-file.js';
import { dotbias, dotbiasHere, temporaryFolder } from '../../helpers/cli.js';

const file = join.bind(null, temporaryFolder());
const json = (name: string, value: unknown) => writeFileSync(file(name), typeof value === 'string' ? value : JSON.stringify(value));

const floats = (...shape: number[]) => ({
  dtype: 'F32' as const,
  shape,
  data: Float32Array.from({ length: shape[0] * shape[1] }, (_, k) => k / 8),
});
writeFileSync(
  file('state.safetensors'),
  writeSafetensors({
    'u_weight.weight': floats(3, 2),
    'i_weight.weight': floats(4, 2),
    'u_bias.weight': floats(3, 1),
    'i_bias.weight': floats(4, 1),
  }),
);
json('users.json', ['#na#', '5', '7']);
json('items.json', ['#na#', 'Alien', 'Brazil', 'Contact']);

const args = (change: Record<string, string> = {}) => {
  const { state, ...options } = {
    state: file('state.safetensors'),
    users: file('users.json'),
    items: file('items.json'),
    'y-range': '0,5.5',
    out: file('out/model.safetensors'),
    ...change,
  };
  return ['import', state, ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])];
};

test('weights and lists become a model file', async () => {
  const { code, stdout, stderr } = await dotbias(...args());
  assert.is(code, 0, stderr);
  assert.is(stdout, `Model of 2 users and 3 items with 2 factors written to ${file('out/model.safetensors')}\n`);
  const { users, items, range, tables } = await readModelFile(file('out/model.safetensors'));
  assert.equal(users.ids, ['#na#', 5, 7]);
  assert.is(items.idOf(2), 'Brazil');
  assert.equal(range.bounds, [0, 5.5]);
  assert.equal(tables.itemBias, Float32Array.of(0, 1 / 8, 2 / 8, 3 / 8));
});

json('text.json', 'not json');
json('object.json', { '#na#': 0 });
json('short.json', ['#na#', '5']);
const wrong: [name: string, change: Record<string, string>, message: RegExp][] = [
  ['weights that do not exist', { state: file('nowhere') }, /nowhere: There is no such file\. docs/],
  ['a folder as weights', { state: file('.') }, /: This is a folder, not a file\./],
  ['weights of PyTorch itself', { state: file('users.json') }, /users\.json: Not a safetensors file/],
  ['a list that is not JSON', { users: file('text.json') }, /text\.json: This is not JSON\./],
  ['a list that is no list', { items: file('object.json') }, /object\.json: This is not a JSON list of ids\./],
  [
    'a list too short',
    { users: file('short.json') },
    /state\.safetensors: The weights cannot be imported: u_weight\.weight has 3 rows, but the list of users has 2 ids/,
  ],
  ['a turned range', { 'y-range': '5,0' }, /'--y-range <lo,hi>' argument '5,0' is invalid/],
  ['a folder to write to', { out: file('.') }, /is a folder; name a file/],
];
for (const [name, change, message] of wrong) {
  test(`refused in one sentence: ${name}`, async () => {
    const { code, stderr } = await dotbiasHere(addImport, ...args({ out: file('refused'), ...change }));
    assert.is(code, 1);
    assert.match(stderr, /^error: [^\n]+\n$/);
    assert.match(stderr, message);
    assert.not.ok(existsSync(file('refused')));
  });
}

test('refused: an option too few', async () => {
  const { stderr } = await dotbiasHere(
    addImport,
    'import',
    file('state.safetensors'),
    '--users',
    file('users.json'),
    '--items',
    file('items.json'),
    '--out',
    file('refused'),
  );
  assert.match(stderr, /^error: required option '--y-range <lo,hi>' not specified\n$/);
});

test.run();
