/**
 * The few functions of MPI that a ring needs, in the library of this machine, through koffi. Only bytes move, so that no data
 * type, no operator and no status of MPI's matters.
 */
import { createRequire } from 'node:module';
import { DotbiasError } from '../../base/errors.js';
import type { Launcher } from './launcher.js';

/** Bytes on their way, and where MPI keeps its word of them: an address in Open MPI, a number in MPICH. */
export interface Transfer {
  readonly request: BigUint64Array;
  /** Kept from the garbage collector until the transfer has ended. */
  readonly bytes: Uint8Array;
}

/** MPI after MPI_Init, over all processes that were started together. Nothing here waits but `finalize`. */
export interface Mpi {
  readonly rank: number;
  readonly size: number;
  /** What the library says that it is. */
  readonly version: string;
  /** Begins to send at most 2 GiB. Messages between two ranks arrive in the order in which they were sent. */
  send(bytes: Uint8Array, to: number): Transfer;
  /** Begins to receive exactly as many bytes. */
  receive(bytes: Uint8Array, from: number): Transfer;
  /** Whether a transfer has ended. Whoever was told so does not ask again. */
  hasEnded(transfer: Transfer): boolean;
  /** Ends all processes. */
  abort(code: number): void;
  /** Waits for all processes to call it. */
  finalize(): void;
}

/** The part of koffi that is used: https://koffi.dev. It is no dependency, so its own types are not there. */
interface Koffi {
  load(path: string, options: { global: boolean }): Library;
}
interface Library {
  func(prototype: string): (...args: unknown[]) => number;
  symbol(name: string): bigint;
}

/** How a family of libraries passes its handles: Open MPI the addresses of its objects, MPICH numbers that its headers fix. */
interface Family {
  handle: 'void *' | 'int ';
  world(library: Library): bigint | number;
  byte(library: Library): bigint | number;
}
const OPEN_MPI: Family = {
  handle: 'void *',
  world: (library) => library.symbol('ompi_mpi_comm_world'),
  byte: (library) => library.symbol('ompi_mpi_byte'),
};
const MPICH: Family = { handle: 'int ', world: () => 0x44000000, byte: () => 0x4c00010d };

/** One tag for all: what belongs together follows from the order of messages. */
const TAG = 1;
/** Room for an MPI_Status, which has 20 or 24 bytes, and for the text of a version. */
const STATUS_BYTES = 64;
const VERSION_BYTES = 8192;

/**
 * What MPI libraries are told before they are loaded, unless the user says otherwise. To know of memory that a network card has
 * registered, they patch munmap and brk of the whole process, which V8 does not survive: crashes in the midst of a run (MPICH 4.0
 * with UCX 1.13) or at its end (Open MPI 4.1). UCX's handlers of signals would take those of Node.
 */
const SETTINGS: NodeJS.ProcessEnv = { OMPI_MCA_memory: '^patcher', UCX_MEM_MMAP_HOOK_MODE: 'none', UCX_ERROR_SIGNALS: '' };

/**
 * Loads the library of MPI that belongs to the launcher, or the one that DOTBIAS_MPI names, and starts it.
 *
 * @throws DotbiasError if koffi or the library is missing, if the library is of no kind that is known here, or if it finds
 *   another number of processes than the launcher started: it then belongs to another launcher, and each process would be alone
 */
export function openMpi(launcher: Launcher, env: NodeJS.ProcessEnv): Mpi {
  for (const [name, value] of Object.entries(SETTINGS)) env[name] ??= value;
  const where = `This is rank ${launcher.rank} of ${launcher.size} of ${launcher.name}`;
  const { library, name } = load(launcher, env['DOTBIAS_MPI'], where);
  const text = new Uint8Array(VERSION_BYTES);
  const number = new Int32Array(1);
  library.func('int MPI_Get_library_version(void *version, void *length)')(text, number);
  const version = Buffer.from(text.buffer, 0, number[0]).toString('latin1').replaceAll('\0', '').split('\n')[0].trim();
  const family = familyOf(version);
  if (family === undefined) {
    throw new DotbiasError(`${name} says that it is '${version}'. Name a library of Open MPI 4 or 5 or of MPICH by DOTBIAS_MPI.`);
  }

  const { handle } = family;
  const [world, byte] = [family.world(library), family.byte(library)];
  const message = `void *bytes, int n, ${handle}type, int rank, int tag, ${handle}world, void *request`;
  const isend = library.func(`int MPI_Isend(${message})`);
  const irecv = library.func(`int MPI_Irecv(${message})`);
  const test = library.func('int MPI_Test(void *request, void *flag, void *status)');
  const abort = library.func(`int MPI_Abort(${handle}world, int code)`);
  const finalize = library.func('int MPI_Finalize()');
  const status = new Uint8Array(STATUS_BYTES);
  const ask = (of: 'rank' | 'size') => {
    library.func(`int MPI_Comm_${of}(${handle}world, void *number)`)(world, number);
    return number[0];
  };

  library.func('int MPI_Init(void *argc, void *argv)')(null, null);
  const size = ask('size');
  if (size !== launcher.size) {
    const what = `${where}, but ${name} (${version}) finds ${size === 1 ? 'no other process' : `${size} processes`}`;
    throw new DotbiasError(`${what}: ${launcher.name} and the library are of different MPIs. ${ADVICE[launcher.name]}`);
  }
  const begin = (call: typeof isend, bytes: Uint8Array, rank: number): Transfer => {
    const request = new BigUint64Array(1);
    call(bytes, bytes.length, byte, rank, TAG, world, request);
    return { request, bytes };
  };
  return {
    rank: ask('rank'),
    size,
    version,
    send: (bytes, to) => begin(isend, bytes, to),
    receive: (bytes, from) => begin(irecv, bytes, from),
    hasEnded({ request }) {
      test(request, number, status);
      return number[0] !== 0;
    },
    abort: (code) => void abort(world, code),
    finalize: () => void finalize(),
  };
}

function familyOf(version: string): Family | undefined {
  if (/open mpi/i.test(version)) return OPEN_MPI;
  return /mpich|intel.*mpi|mvapich/i.test(version) ? MPICH : undefined;
}

/** What to do where the processes of a launcher do not find each other. */
const ADVICE: Readonly<Record<string, string>> = {
  'Open MPI': 'Use the mpirun of the MPI that is installed, or name the library of Open MPI by DOTBIAS_MPI.',
  MPICH: 'Use the mpiexec of the MPI that is installed, or name the library of MPICH by DOTBIAS_MPI.',
  Slurm: 'Name the way in which they meet, such as `srun --mpi=pmix` for Open MPI (`srun --mpi=list` lists them).',
};

/** The packages of Debian and Ubuntu that hold the library. */
const INSTALL: Readonly<Record<string, string>> = {
  'Open MPI': '`apt-get install openmpi-bin`',
  MPICH: '`apt-get install mpich`',
  Slurm: 'the MPI of your cluster, such as `apt-get install openmpi-bin`',
};

function load(launcher: Launcher, chosen: string | undefined, where: string): { library: Library; name: string } {
  const koffi = requireKoffi(where);
  const names = chosen === undefined ? launcher.libraries : [chosen];
  let reason = '';
  for (const name of names) {
    try {
      // The plug-ins of Open MPI look for its symbols among those of the whole program.
      return { library: koffi.load(name, { global: true }), name };
    } catch (error) {
      reason = (error as Error).message;
    }
  }
  if (chosen !== undefined) throw new DotbiasError(`${where}, but DOTBIAS_MPI, ${chosen}, cannot be loaded: ${reason}.`);
  const install = `Install ${INSTALL[launcher.name]}, or name the library by DOTBIAS_MPI.`;
  throw new DotbiasError(`${where}, but ${names.join(' or ')} is not on this machine. ${install}`);
}

function requireKoffi(where: string): Koffi {
  const require = createRequire(import.meta.url);
  try {
    return require('koffi') as Koffi;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND';
    const why = missing ? 'is not installed' : `cannot be loaded: ${(error as Error).message.split('\n')[0].replace(/\.$/, '')}`;
    throw new DotbiasError(`${where}; ranks meet through the package koffi, which ${why}. Run \`npm install koffi\` beside dotbias-node.`);
  }
}
