/** Real ranks, started by mpirun and mpiexec. Skipped where there is none. */
import { hostname } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openRing } from '../../../src/node/mpi/open-ring.js';
import { ALONE } from '../../../src/base/ring.js';
import { allGone, type Kind, ranks, whyNoRanks } from '../../helpers/mpi.js';

const PROGRAM = 'test/helpers/ring-program.js';
const test = suite('ring over MPI');
const missing = { openmpi: whyNoRanks('openmpi'), mpich: whyNoRanks('mpich') };

/** What the ranks say, in their order. */
const said = (lines: readonly string[]) => lines.filter((line) => /^\d+: /.test(line)).sort();
const pids = (lines: readonly string[]) => lines.flatMap((line) => /^pid (\d+)$/.exec(line)?.slice(1).map(Number) ?? []);
const each = (n: number, text: string) => Array.from({ length: n }, (_, rank) => `${rank}: ${text}`);

test('without a launcher, or with one that starts one process, there is one rank and no MPI', async () => {
  assert.is(await openRing(), ALONE);
  Object.assign(process.env, { OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '1', DOTBIAS_MPI: 'nothing' });
  assert.is(await openRing(), ALONE);
  for (const name of ['OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'DOTBIAS_MPI']) delete process.env[name];
});

for (const kind of ['openmpi', 'mpich'] as Kind[]) {
  const reason = missing[kind];
  if (reason) {
    console.log(`skipped: ranks of ${kind}: ${reason}`);
    continue;
  }

  test(`${kind}: bytes of any length are shifted and gathered, in pieces`, async () => {
    for (const n of kind === 'openmpi' ? [2, 4] : [3]) {
      const { code, lines, output } = await ranks(kind, n, [PROGRAM, 'exchange']);
      assert.is(code, 0, output);
      assert.equal(said(lines), each(n, `of ${n} on ${n} hosts`));
    }
  });

  test(`${kind}: whoever waits knows for whom, and its timers go on`, async () => {
    const { code, lines, output } = await ranks(kind, 3, [PROGRAM, 'wait']);
    assert.is(code, 0, output);
    const wanted = ['0: waited for rank 2 (HOST), ticking', '1: waited for rank 2 (HOST), ticking', '2: waited for nobody, ticking'];
    assert.equal(
      said(lines),
      wanted.map((line) => line.replace('HOST', hostname())),
      output,
    );
  });

  test(`${kind}: calls that do not belong together are refused on every rank`, async () => {
    const { code, lines, output } = await ranks(kind, 2, [PROGRAM, 'stray']);
    assert.is(code, 0, output);
    const calls = ['rank 0 calls shift with 7 bytes', 'rank 1 calls gather with 5 bytes'];
    assert.equal(
      said(lines),
      [calls, [...calls].reverse()].map((both, rank) => `${rank}: The ranks are out of step: ${both.join(', ')}.`),
      output,
    );
  });

  const ENDS = { kill: kind === 'openmpi' ? 137 : 9, throw: 1, exit: 3, leave: 1, abort: 5 };
  for (const [how, wanted] of Object.entries(ENDS)) {
    if (kind === 'mpich' && ['exit', 'abort'].includes(how)) continue; // each start costs a second
    test(`${kind}: a rank that ends by ${how} ends the job, and nothing is left running`, async () => {
      const { code, lines, output } = await ranks(kind, 2, [PROGRAM, how]);
      // The launcher of MPICH says how one of the ranks ended, which may be the one that it killed itself.
      assert.ok(code === wanted || (kind === 'mpich' && code === 9), output);
      assert.is(pids(lines).length, 2, output);
      await allGone(pids(lines));
      if (how === 'throw') assert.match(output, 'This rank failed.');
    });
  }
}

if (!missing.openmpi) {
  test('without koffi or its library each rank says what to install', async () => {
    const koffi = await ranks('openmpi', 2, [PROGRAM, 'exchange'], { NODE_PATH: '' });
    assert.is(koffi.code, 1, koffi.output);
    assert.match(koffi.output, /This is rank [01] of 2 of Open MPI; .* is not installed\. Run `npm install koffi` beside dotbias-node\./);
    const library = await ranks('openmpi', 2, [PROGRAM, 'exchange'], { DOTBIAS_MPI: '/nowhere/libmpi.so' });
    assert.is(library.code, 1, library.output);
    assert.match(library.output, /but DOTBIAS_MPI, \/nowhere\/libmpi\.so, cannot be loaded: .*\./);
  });

  test('a call before the last one has ended is refused', async () => {
    const { code, lines, output } = await ranks('openmpi', 2, [PROGRAM, 'early']);
    assert.is(code, 0, output);
    assert.equal(said(lines), each(2, 'ring.meet was called before ring.meet had ended.'));
  });
}

if (!missing.openmpi && !missing.mpich) {
  test('a library that is not the launcher’s is refused: its ranks would each be alone', async () => {
    for (const [kind, beside, DOTBIAS_MPI] of [
      ['openmpi', 'mpich', 'libmpich.so.12'],
      ['mpich', 'openmpi', 'libmpi.so.40'],
    ] as const) {
      const { code, output } = await ranks(kind, 2, [PROGRAM, 'exchange'], { DOTBIAS_MPI }, beside);
      assert.is.not(code, 0, output);
      assert.match(
        output,
        /but libmpi\S* \(.*\) finds no other process: (Open MPI|MPICH) and the library are of different MPIs\. Use the mpi/,
      );
    }
  });
}

test.run();
