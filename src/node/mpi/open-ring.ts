import { hostname } from 'node:os';
import { ALONE, type Ring } from '../../base/ring.js';
import { leave } from '../disk/exit.js';
import { launcherOf } from './launcher.js';
import { openMpi } from './library.js';
import { mpiRing, type MpiRingOptions } from './mpi-ring.js';

export type OpenRingOptions = Omit<MpiRingOptions, 'host'>;

/**
 * The ring of all processes that mpirun, mpiexec or srun started together: through libmpi and the optional package koffi, which are
 * not touched unless there are at least two. Without a launcher it is `ALONE`.
 *
 * A process that ends before `close`, for whatever reason, ends all others: with its own exit code, or 1 where that is 0.
 *
 * @throws DotbiasError if koffi or the library of MPI is missing, or if the library is not the launcher's
 */
export async function openRing(options: OpenRingOptions = {}): Promise<Ring> {
  const launcher = launcherOf(process.env);
  if (launcher === undefined || launcher.size < 2) return ALONE;
  const mpi = openMpi(launcher, process.env);
  const endOthers = (code: number) => {
    leave(); // MPI ends this process, too, before others who listen to 'exit' are told
    mpi.abort(code || 1);
  };
  process.on('exit', endOthers);
  // Node prints an error that nobody catches after 'exit'. Aborting there would lose it; the launcher ends the others for us.
  process.once('uncaughtExceptionMonitor', () => void (process.listenerCount('uncaughtException') === 0 && process.off('exit', endOthers)));
  const ring = await mpiRing(mpi, { host: hostname(), ...options });
  return {
    ...ring,
    async close() {
      await ring.close();
      process.off('exit', endOthers);
    },
  };
}
