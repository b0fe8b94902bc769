/** `dotbias train` on several ranks. Skipped where there is no MPI. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dotbias } from '../../helpers/cli.js';
import { type Kind, ranks, whyNoRanks } from '../../helpers/mpi.js';

const test = suite('train on ranks');
const TRAIN = ['train', '--data', 'planted', '--epochs', '1', '--factors', '8', '--quiet'];

for (const [kind, sizes] of [
  ['openmpi', [2, 4]],
  ['mpich', [2]],
] as [Kind, number[]][]) {
  const reason = whyNoRanks(kind);
  if (reason) {
    console.log(`skipped: training on ranks of ${kind}: ${reason}`);
    continue;
  }

  test(`${kind}: ranks save the file of one process in as many strata, byte for byte`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dotbias-test-'));
    const alone = join(folder, 'alone.safetensors');
    assert.is((await dotbias(...TRAIN, '--strata', '8', '--out', alone)).code, 0);
    for (const size of sizes) {
      const out = join(folder, `${size}.safetensors`);
      const { code, output } = await ranks(kind, size, ['src/cli/main.js', ...TRAIN, '--out', out]);
      assert.is(code, 0, output);
      assert.ok((await readFile(out)).equals(await readFile(alone)), `${size} ranks`);
    }
    await rm(folder, { recursive: true });
  });

  test(`${kind}: what ranks cannot do together is refused before work`, async () => {
    for (const [args, message] of [
      [['--keep-best'], /--keep-best needs the whole model, and each rank has a part/],
      [['--strata', '7'], /--strata must be a multiple of the 2 ranks, and 7 is none: give --strata 8\./],
    ] as const) {
      const { code, output } = await ranks(kind, 2, ['src/cli/main.js', ...TRAIN, ...args]);
      assert.is.not(code, 0);
      assert.match(output, message);
    }
  });
}

test.run();
