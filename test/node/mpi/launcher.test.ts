import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { launcherOf } from '../../../src/node/mpi/launcher.js';

const OPEN_MPI = ['libmpi.so.40'];
const MPICH = ['libmpi.so.12', 'libmpich.so.12'];
const slurm = { SLURM_PROCID: '5', SLURM_STEP_NUM_TASKS: '8' };

test('a process that was started alone has no launcher, nor has the script of a Slurm job', () => {
  assert.is(launcherOf({}), undefined);
  assert.is(launcherOf({ SLURM_PROCID: '0', SLURM_NTASKS: '8' }), undefined);
  assert.is(launcherOf({ PMI_RANK: 'x', PMI_SIZE: '2' }), undefined);
});

test('mpirun of Open MPI, mpiexec of MPICH and srun are told apart, and each has its library', () => {
  const openMpi = { OMPI_COMM_WORLD_RANK: '1', OMPI_COMM_WORLD_SIZE: '4' };
  assert.equal(launcherOf(openMpi), { name: 'Open MPI', rank: 1, size: 4, libraries: OPEN_MPI });
  assert.equal(launcherOf({ PMI_RANK: '0', PMI_SIZE: '2' }), { name: 'MPICH', rank: 0, size: 2, libraries: MPICH });
  assert.equal(launcherOf({ ...slurm, PMIX_RANK: '5' }), { name: 'Slurm', rank: 5, size: 8, libraries: [...OPEN_MPI, ...MPICH] });
  assert.equal(launcherOf({ ...slurm, PMI_RANK: '5', PMI_SIZE: '8' }), {
    name: 'Slurm',
    rank: 5,
    size: 8,
    libraries: [...MPICH, ...OPEN_MPI],
  });
});

test('mpirun within a job of Slurm is the launcher', () => {
  assert.is(launcherOf({ ...slurm, OMPI_COMM_WORLD_RANK: '1', OMPI_COMM_WORLD_SIZE: '2' })!.name, 'Open MPI');
});

test.run();
