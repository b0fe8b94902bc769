import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DotbiasError } from '../../src/base/errors.js';
import { agree, ALONE, gatherTexts, type Ring } from '../../src/base/ring.js';
import { onRing } from '../helpers/local-ring.js';

const HOSTS = ['a', 'a', 'b', 'b'];
const settings = { version: '0.1.0', epochs: 5, wd: 0.1, yRange: undefined as number[] | undefined };

/** What `agree` says on each of four ranks. */
function saysOf(of: (rank: number) => Record<string, unknown>, wrap = (ring: Ring) => ring): Promise<string[]> {
  return onRing(
    4,
    (ring) =>
      agree(wrap(ring), of(ring.rank)).then(
        () => 'agreed',
        (error: Error) => error.message,
      ),
    HOSTS,
  );
}

test('the ring of one process gives back what it is sent', async () => {
  const receive = new Uint8Array(3);
  await ALONE.meet();
  await ALONE.shift(Uint8Array.of(1, 2, 3), receive);
  assert.equal([...receive], [1, 2, 3]);
  assert.equal([...(await ALONE.gather(Uint8Array.of(4, 5)))], [4, 5]);
  assert.throws(
    () => ALONE.abort(3),
    (error: Error) => error instanceof DotbiasError && error.message.includes('code 3'),
  );
  await agree(ALONE, settings);
});

test('ranks of one process shift to the rank before and gather in order of rank', async () => {
  const got = await onRing(3, async (ring) => {
    const receive = new Uint8Array(2);
    await ring.meet();
    await ring.shift(Uint8Array.of(ring.rank, 10 + ring.rank), receive);
    return [...receive, ...(await ring.gather(Uint8Array.of(ring.rank)))];
  });
  assert.equal(got, [
    [1, 11, 0, 1, 2],
    [2, 12, 0, 1, 2],
    [0, 10, 0, 1, 2],
  ]);
});

test('ranks with the same settings agree, and send 64 bytes each', async () => {
  const sent: number[] = [];
  const counted = (ring: Ring): Ring => ({ ...ring, gather: (part) => (sent.push(part.length), ring.gather(part)) });
  assert.equal(
    await saysOf(() => ({ ...settings }), counted),
    HOSTS.map(() => 'agreed'),
  );
  assert.equal(sent, [64, 64, 64, 64]);
});

test('the first setting that differs is named on every rank, with its values, ranks and machines', async () => {
  const says = await saysOf((rank) => ({ ...settings, wd: rank === 2 ? 0.2 : 0.1, seed: rank }));
  const sentence =
    'The ranks differ: wd is 0.1 on rank 0 (a), 0.2 on rank 2 (b). Start all with one version, one command and one data set.';
  assert.equal(
    says,
    HOSTS.map(() => sentence),
  );
});

test('a setting that only one rank has, and numbers that JSON lacks, are told apart', async () => {
  const first = async (of: (rank: number) => Record<string, unknown>) => (await saysOf(of))[0].split('.')[0];
  assert.is(
    await first((rank) => (rank === 3 ? { ...settings, 'new option': 'é' } : settings)),
    'The ranks differ: new option is not set on rank 0 (a), "é" on rank 3 (b)',
  );
  assert.is(await first((rank) => ({ lr: rank === 1 ? NaN : null })), 'The ranks differ: lr is null on rank 0 (a), "NaN" on rank 1 (a)');
  assert.is(
    await first((rank) => ({ yRange: rank === 1 ? undefined : null })),
    'The ranks differ: yRange is null on rank 0 (a), not set on rank 1 (a)',
  );
});

test('a rank that greets in another way runs another version', async () => {
  const other = (ring: Ring): Ring =>
    ring.rank === 1 ? { ...ring, gather: (part) => ring.gather(part.map((byte, i) => (i === 13 ? 0x32 : byte))) } : ring;
  const sentence = 'Rank 1 (a) runs another version of dotbias. Start all with one version.';
  assert.equal(
    await saysOf(() => settings, other),
    HOSTS.map(() => sentence),
  );
});

test('texts of different lengths are gathered by rank', async () => {
  const texts = ['llvmpipe', '', 'Ä'];
  assert.equal(await onRing(3, (ring) => gatherTexts(ring, texts[ring.rank])), [texts, texts, texts]);
});

test.run();
