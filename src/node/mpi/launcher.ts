/** What started this process beside others, as its environment tells. */
export interface Launcher {
  /** As it is known: `Open MPI`, `MPICH`, `Slurm`. */
  readonly name: string;
  readonly rank: number;
  readonly size: number;
  /** Names of its MPI library, to try in this order. */
  readonly libraries: readonly string[];
}

const OPEN_MPI = ['libmpi.so.40'];
/** MPICH, and what keeps to its binary interface: Intel MPI, MVAPICH, Cray MPICH. Debian calls it by its old name. */
const MPICH = ['libmpi.so.12', 'libmpich.so.12'];

/**
 * The launcher of this process, undefined where there is none. Open MPI's mpirun is asked for first: within a job of Slurm it sets
 * its own variables beside Slurm's. Slurm's tasks meet through PMIx, which Open MPI speaks, or through PMI, as MPICH does; one
 * without either is a launcher all the same, so that tasks that would not find each other are refused.
 */
export function launcherOf(env: NodeJS.ProcessEnv): Launcher | undefined {
  const place = (rank: string, size: string) =>
    /^\d+$/.test(env[rank] ?? '') && /^\d+$/.test(env[size] ?? '') ? { rank: Number(env[rank]), size: Number(env[size]) } : undefined;
  const openMpi = place('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE');
  if (openMpi) return { name: 'Open MPI', ...openMpi, libraries: OPEN_MPI };
  const slurm = place('SLURM_PROCID', 'SLURM_STEP_NUM_TASKS');
  if (slurm) {
    return { name: 'Slurm', ...slurm, libraries: env['PMIX_RANK'] === undefined ? [...MPICH, ...OPEN_MPI] : [...OPEN_MPI, ...MPICH] };
  }
  const mpich = place('PMI_RANK', 'PMI_SIZE');
  return mpich && { name: 'MPICH', ...mpich, libraries: MPICH };
}
