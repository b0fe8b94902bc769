import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DotbiasError } from '../../../src/base/errors.js';
import type { BlockIds } from '../../../src/data/block-ids.js';
import type { CollabData } from '../../../src/data/collab-data.js';
import { ratingsPerRow } from '../../../src/data/ratings-per-row.js';
import type { PreparedManifest } from '../../../src/node/ratings/manifest.js';
import { prepareRatings } from '../../../src/node/ratings/prepare.js';
import { isPrepared, openPrepared } from '../../../src/node/ratings/prepared.js';
import { temporaryFolder } from '../../helpers/cli.js';

const folder = temporaryFolder();
const whole = join(folder, 'whole');
writeFileSync(
  join(folder, 'ratings.csv'),
  `user,item,rating\n${Array.from({ length: 300 }, (_, k) => `${(k * 7) % 31},i${k % 23},${1 + (k % 5)}`).join('\n')}`,
);
const { manifest } = await prepareRatings(join(folder, 'ratings.csv'), whole, { strata: 3, validPct: 0.2 });
const dir = join(folder, 'changed');

/** A copy of the folder with another manifest. */
function changed(change: (manifest: Record<string, unknown> & PreparedManifest) => void): string {
  rmSync(dir, { recursive: true, force: true });
  cpSync(whole, dir, { recursive: true });
  const other = JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8')) as Record<string, unknown> & PreparedManifest;
  change(other);
  writeFileSync(join(dir, 'manifest.json'), JSON.stringify(other));
  return dir;
}

async function refuses(work: () => Promise<unknown>, message: RegExp): Promise<void> {
  const error = await work().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, DotbiasError, String(error));
  assert.match((error as Error).message, message);
}

test('a manifest that contradicts itself is refused by the name of the field, before any file is read', async () => {
  const cases: [string, (manifest: Record<string, unknown> & PreparedManifest) => void][] = [
    ['strata', (other) => void (other['strata'] = 1000)],
    ['folder', (other) => void (other['folder'] = '../whole')],
    ['users', (other) => void (other['users'] = { ...other.users, blocks: [1, -1, 5] })],
    ['items', (other) => void (other['items'] = { ...other.items, fingerprints: [] })],
    ['train', (other) => void (other['train'] = { ...other.train, blocks: other.train.blocks.slice(1) })],
    ['valid', (other) => void (other['valid'] = { ...other.valid, range: [5, 1] })],
    ['unknown', (other) => void (other['unknown'] = { users: 0, items: 301 })],
    ['nRows', (other) => void (other['nRows'] = 299)],
    ['seed', (other) => void (other['seed'] = -1)],
  ];
  for (const [field, change] of cases)
    await refuses(() => openPrepared(changed(change)), new RegExp(`manifest.json: Its '${field}' makes no sense`));
  await refuses(() => openPrepared(changed((other) => void (other['formatVersion'] = 2))), /Its format is 2, and this version reads 1/);
  await refuses(() => openPrepared(folder), /There is no manifest\.json in it/);
  assert.is(await isPrepared(folder), false);
  assert.is(await isPrepared(whole), true);
});

test('files of other ratings, or fewer than the manifest says, are refused', async () => {
  const swapped = changed(() => {});
  const at = (name: string) => join(swapped, manifest.folder, name);
  cpSync(at('ub=0/ib=1/train.parquet'), at('ub=0/ib=0/train.parquet'));
  await refuses(async () => (await openPrepared(swapped)).ratings(0, 1), /ib=0.train\.parquet: It is damaged, or belongs to other ratings/);
  assert.ok((await (await openPrepared(swapped)).ratings(1, 2)).train.ratings.length > 0); // the others are whole
  rmSync(at('items.parquet'));
  await refuses(async () => (await openPrepared(swapped)).deals(), /items\.parquet: There is no such file/);
  const moved = changed(
    (other) =>
      void (other['users'] = { ...other.users, blocks: [other.users.blocks[0] - 1, other.users.blocks[1] + 1, other.users.blocks[2]] }),
  );
  await refuses(async () => (await openPrepared(moved)).data(), /damaged/);
  await refuses(
    async () =>
      (
        await openPrepared(
          changed((other) => void (other.users = { ...other.users, fingerprints: ['0', '1', '2'].map((c) => c.repeat(16)) })),
        )
      ).ids('users', 1),
    /users\.parquet: It is damaged/,
  );
});

test('ids of a block are those of its rows', async () => {
  const prepared = await openPrepared(whole);
  const [{ users, items }, data] = [await prepared.deals(), await prepared.data()];
  for (let block = 0; block < 3; block++) {
    const rowsOf = ({ rows, start }: typeof users) => Array.from(rows.subarray(start[block], start[block + 1]));
    assert.equal(
      await prepared.ids('users', block),
      rowsOf(users).map((row) => data.users.idOf(row)),
    );
    assert.equal(
      await prepared.ids('items', block),
      rowsOf(items).map((row) => data.items.idOf(row)),
    );
  }
});

test('a share has the ratings, ids and titles of its blocks, and counts of the whole', async () => {
  const prepared = await openPrepared(whole);
  const all = await prepared.data();
  const shares = [await prepared.share(0, 1), await prepared.share(1, 2)];
  for (const share of shares) {
    for (const name of ['nUsers', 'nItems', 'nTrain', 'nValid', 'stepsPerEpoch', 'fingerprint'] as const) assert.is(share[name], all[name]);
    const known = share.share!.whole;
    assert.equal(known.perRow, ratingsPerRow(all.train, all.nUsers, all.nUsers + all.nItems));
    assert.equal(known.ranges.train, [1, 5]);
    const unknown = (rows: Uint32Array) => rows.filter((row) => row === 0).length;
    assert.equal(known.unknown, { users: unknown(all.valid.users), items: unknown(all.valid.items) });
    for (const side of ['users', 'items'] as const) {
      const rows = (share[side] as BlockIds).rows;
      assert.equal(
        Array.from(rows, (row) => share[side].idOf(row)),
        Array.from(rows, (row) => all[side].idOf(row)),
      );
      const other = Array.from({ length: all[side].size }, (_, row) => row).find((row) => !rows.includes(row))!;
      await refuses(async () => share[side].idOf(other), /A rank knows the ids of its own blocks only/);
      await refuses(async () => share[side].indexOf(1), /A rank knows the ids of its own blocks only/);
    }
    await refuses(async () => share.popularItems(), /popularItems needs all ratings, and here are those of \d of 3 blocks/);
  }
  const pairs = ({ train: { users, items, ratings } }: CollabData) => Array.from(users, (user, k) => [user, items[k], ratings[k]].join());
  assert.equal(shares.flatMap(pairs).sort(), pairs(all).sort());
});

test.run();
