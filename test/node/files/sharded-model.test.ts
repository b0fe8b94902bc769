import { mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Pairs } from '../../../src/answer/trained-model.js';
import type { Ring } from '../../../src/base/ring.js';
import { DotbiasError } from '../../../src/base/errors.js';
import { readSafetensors, type Tensor, writeSafetensors } from '../../../src/base/safetensors.js';
import { CollabData } from '../../../src/data/collab-data.js';
import { loadModelFile, readModelFile, saveModel } from '../../../src/node/files/model-file.js';
import { dealItems, dealUsers } from '../../../src/data/deal.js';
import { CollabModel } from '../../../src/answer/collab-model.js';
import { PartedTables } from '../../../src/model/parted-tables.js';
import { collabLearner } from '../../../src/train/make-learner.js';
import { dotbias, temporaryFolder } from '../../helpers/cli.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { onRing } from '../../helpers/local-ring.js';
import { shareOf } from '../../helpers/share.js';
import { assertRefused } from '../../helpers/refusal.js';

const test = suite('sharded model');
const folder = temporaryFolder();
const INDEX = 'model.safetensors.index.json';

const titles = new Map([
  ['item 2', 'Zwei'],
  ['item 31', 'é "二"'],
]);
const rows = Array.from({ length: 300 }, (_, k) => [1 + (k % 45), `item ${(k * 7) % 38}`, 1 + (k % 5)] as const);
const data = CollabData.fromRows(rows, { seed: 3, batchSize: 8, titles });
const learn = await collabLearner(data, { nFactors: 5, yRange: [0, 5.5], gpu: await sharedGpu() });
await learn.fitOneCycle(1, 0.05);
await saveModel(learn, join(folder, 'one.safetensors'));
const one = await readModelFile(join(folder, 'one.safetensors'));

const plain = ({ users, items, range, ...rest }: typeof one) => ({ ...rest, bounds: range.bounds, users: users.ids, items: items.ids });

test('a model in several files is the model of one file', async () => {
  const path = join(folder, 'several/');
  await saveModel(learn, path, { shardBytes: 500 });
  const names = await readdir(path);
  assert.is(names.filter((name) => /^users-0000\d\./.test(name)).length, 5, String(names));
  assert.is(names.filter((name) => /^items-0000\d\./.test(name)).length, 4);
  assert.is(names.filter((name) => name.startsWith('ratings.')).length, 1);
  assert.is(names.length, 11);
  assert.equal(plain(await readModelFile(path)), plain(one));
  assert.equal(plain(await readModelFile(join(folder, 'several'))), plain(one));
  const model = await loadModelFile(path, { gpu: await sharedGpu() });
  assert.equal(
    await model.predict([1, 2, 3], ['item 1', 'item 2', 'nowhere']),
    await learn.predict([1, 2, 3], ['item 1', 'item 2', 'nowhere']),
  );
  model.release();
});

test('its index is that of Hugging Face: every tensor, under a name of its own, with the file that has it', async () => {
  const path = join(folder, 'several');
  const { metadata, weight_map } = JSON.parse(await readFile(join(path, INDEX), 'utf8')) as {
    metadata: Record<string, unknown>;
    weight_map: Record<string, string>;
  };
  let nBytes = 0;
  const found: Record<string, string> = {};
  for (const file of (await readdir(path)).filter((name) => name.endsWith('.safetensors'))) {
    const content = readSafetensors(await readFile(join(path, file)));
    assert.equal({ ...content.metadata }, { format: 'pt' });
    for (const [name, { data: values }] of Object.entries(content.tensors)) {
      assert.not(name in found);
      found[name] = file;
      nBytes += values.byteLength;
    }
  }
  assert.equal(weight_map, found);
  assert.is(metadata['total_size'], nBytes);
  assert.equal([metadata['nUsers'], metadata['nItems'], metadata['format']], [46, 39, 'dotbias']);
});

test('a model in parts is saved block by block, wherever its blocks are', async () => {
  const gpu = await sharedGpu();
  const { embeddings, info } = learn;
  const counts = (list: Uint32Array, n: number) => list.reduce((all, row) => (all[row]++, all), new Uint32Array(n));
  const users = dealUsers(counts(data.train.users, data.nUsers), 4);
  const items = dealItems(counts(data.train.items, data.nItems), 4);
  const tables = new PartedTables(gpu, embeddings.shape, { users, items }, 2);
  tables.writeTables(await embeddings.readTables());
  await tables.moveItems();
  const path = join(folder, 'parts/');
  await saveModel(new CollabModel(tables as never, { ...info, residualVariance: one.residualVariance }, false), path, {
    training: one.training,
  });
  assert.equal(plain(await readModelFile(path)), plain(one));
  assert.is((await readdir(path)).length, 10);
  tables.release();
});

test('ranks write each their own blocks and ratings, and together the model of one process', async () => {
  const gpu = await sharedGpu();
  const all = CollabData.fromRows(rows, { seed: 3, batchSize: 2, titles });
  const train = async (of: CollabData, ring?: Ring) => {
    const ranked = await collabLearner(of, { nFactors: 5, yRange: [0, 5.5], unknownUser: 'na', strata: 4, gpu, ring });
    await ranked.fitOneCycle(1, 0.05);
    return ranked;
  };
  const alone = await train(all);
  await saveModel(alone, join(folder, 'alone.safetensors'));
  const sorted = (pairs: Pairs & { ratings?: Float32Array }) =>
    Array.from(pairs.users, (user, k) => [user, pairs.items[k], pairs.ratings?.[k]].join()).sort();
  const content = async (path: string) => {
    const { train: rated, valid, ...rest } = plain(await readModelFile(path));
    return { ...rest, train: sorted(rated!), valid: sorted(valid!) };
  };
  const wanted = await content(join(folder, 'alone.safetensors'));
  for (const [name, dataOf] of [
    ['whole', () => all],
    ['shares', ({ rank }: Ring) => shareOf(all, 4, 2 * rank, 2)],
  ] as const) {
    const path = join(folder, `ranks-${name}/`);
    await onRing(2, async (ring) => {
      const ranked = await train(dataOf(ring), ring);
      await saveModel(ranked, path);
      ranked.release();
    });
    assert.equal(await content(path), wanted);
    const ratings = (await readdir(path)).filter((file) => file.startsWith('ratings'));
    assert.is(ratings.length, name === 'whole' ? 1 : 2);
  }
  alone.release();
});

test('a newer model takes the place of the older one, a failed save of none', async () => {
  const path = join(folder, 'again/');
  await saveModel(learn, path, { shardBytes: 700, ratings: false });
  const first = await readdir(path);
  await writeFile(join(path, 'notes.txt'), 'mine');
  const broken = {
    ...learn.info,
    items: {
      idOf: () => {
        throw new Error('It is broken.');
      },
      size: 39,
    },
  };
  const failing = { embeddings: learn.embeddings, info: broken, residualVariance: async () => 1 } as unknown as CollabModel;
  await assertRefused(() => saveModel(failing, path, { shardBytes: 300 }), /broken/, Error);
  assert.equal((await readdir(path)).sort(), [...first, 'notes.txt'].sort());
  assert.is((await readModelFile(path)).train, undefined);
  await saveModel(learn, path);
  assert.is((await readdir(path)).length, 5);
  assert.equal(plain(await readModelFile(path)), plain(one));
});

test('a model too large for one file is refused before anything is read or written', async () => {
  await assertRefused(
    () => saveModel(learn, join(folder, 'large.safetensors'), { shardBytes: 2039 }),
    /large\.safetensors: The tables take 2040 bytes, and one file may have 2039: name a folder, with a slash at its end/,
    RangeError,
  );
  assert.not((await readdir(folder)).includes('large.safetensors'));
});

test('files that do not make one whole model are refused', async () => {
  const path = join(folder, 'hostile');
  const from = join(folder, 'several');
  const names = await readdir(from);
  const [users0, users1] = names.filter((name) => name.startsWith('users-')).sort();
  const items0 = names.find((name) => name.startsWith('items-'))!;
  const index = async (change: (value: { metadata: Record<string, unknown>; weight_map: Record<string, unknown> }) => unknown) => {
    const value = JSON.parse(await readFile(join(path, INDEX), 'utf8')) as Parameters<typeof change>[0];
    await writeFile(join(path, INDEX), JSON.stringify(change(value) ?? value));
  };
  const tensors = async (file: string, change: (all: Record<string, Tensor>) => unknown) => {
    const all = { ...readSafetensors(new Uint8Array(await readFile(join(path, file)))).tensors };
    change(all);
    await writeFile(join(path, file), writeSafetensors(all));
  };
  const cases: [damage: () => Promise<unknown>, problem: RegExp][] = [
    [() => rm(join(path, users0)), /take \d+ bytes, but the 10 files|no such file/],
    [() => truncate(join(path, users0), 100), /safetensors/],
    [async () => [await rm(join(path, users0)), await symlink('/dev/zero', join(path, users0))], /not a regular file|but the 10 files/],
    [() => writeFile(join(path, INDEX), '[]'), /metadata and weight_map/],
    [() => writeFile(join(path, INDEX), '{"a":'.repeat(1e5)), /brackets/],
    [() => truncate(join(path, INDEX), 2 ** 40), /too long for an index/],
    [() => index(({ metadata }) => void (metadata['format'] = 'pt')), /without the metadata format/],
    [() => index(({ metadata }) => void (metadata['formatVersion'] = '3')), /format version of its index is "3"/],
    [() => index(({ metadata }) => void (metadata['nUsers'] = 4e9)), /take 112\d+ bytes, but the 10 files/],
    [() => index(({ metadata }) => void (metadata['nUsers'] = -1)), /nUsers -1/],
    [() => index(({ metadata }) => void (metadata['nUsers'] = 47)), /row 46 of its users is in none of its files/],
    [() => index(({ metadata }) => void (metadata['nItems'] = 38)), /has row 38, but its items have the rows 0 to 37/],
    [() => index(({ metadata }) => void (metadata['config'] = '{}')), /nFactors/],
    [() => index(({ weight_map }) => void (weight_map['x'] = '../one.safetensors')), /no name of a file beside it/],
    [() => index(({ weight_map }) => void (weight_map['x'] = users0)), /do not agree on the tensor "x"/],
    [() => index(({ weight_map }) => void delete weight_map['userBias.00000']), /do not agree on the tensor "userBias.00000"/],
    [() => tensors(users0, (all) => ((all['userRows.00000'].data as Uint32Array)[1] = 0)), /row 0 of its users is there twice/],
    [
      () => tensors(users1, (all) => ((all['userRows.00001'].data as Uint32Array)[1] = 2)),
      /row 2 of its users is there twice, again in userRows.00001/,
    ],
    [() => tensors(users0, (all) => ((all['userIds.00000'].data as BigInt64Array)[1] = 40n)), /the id 40 occurs twice among its users/],
    [() => tensors(users1, (all) => ((all['userIds.00001'].data as BigInt64Array)[1] = -1n)), /is -1, which is not an id/],
    [
      () => tensors(users0, (all) => ((all['userFactors.00000'].data as Float32Array)[1] = NaN)),
      /userFactors holds values that are not finite/,
    ],
    [
      () => tensors(users0, (all) => (all['userBias.00000'] = { dtype: 'F32', shape: [1], data: new Float32Array(1) })),
      /userBias.00000 is F32 \[1\], not F32/,
    ],
    [
      () => tensors(users0, (all) => (all['userIds.00000'] = { dtype: 'I64', shape: [1], data: new BigInt64Array(1) })),
      /has 1 ids, but there are/,
    ],
    [
      () => tensors(items0, (all) => (all['itemIds.00000'] = { dtype: 'F32', shape: [1], data: new Float32Array(1) })),
      /not a list of I64 or U8/,
    ],
  ];
  for (const [damage, problem] of cases) {
    await rm(path, { recursive: true, force: true });
    await mkdir(path);
    for (const name of names) await writeFile(join(path, name), await readFile(join(from, name)));
    await damage();
    await assertRefused(() => readModelFile(path), problem, DotbiasError);
  }
});

test('train writes a folder that recommend reads', async () => {
  const file = join(folder, 'ratings.csv');
  await writeFile(file, `user,item,rating\n${rows.map((row) => row.join()).join('\n')}\n`);
  const out = join(folder, 'trained/');
  const trained = await dotbias('train', '--data', file, '--epochs', '1', '--factors', '4', '--out', out);
  assert.is(trained.code, 0, trained.stderr);
  assert.ok((await readdir(out)).includes(INDEX));
  const { code, stdout, stderr } = await dotbias('recommend', '--model', out, '--user', '7', '--json');
  assert.is(code, 0, stderr);
  assert.ok(stdout.includes('item '));
});

test.after(() => learn.release());
test.run();
