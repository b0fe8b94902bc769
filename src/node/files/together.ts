import { DotbiasError } from '../../base/errors.js';
import { gatherTexts, type Ring } from '../../base/ring.js';
import { ourReasonOf } from '../disk/errors.js';

/**
 * Does work on every rank, and ends as one: what keeps a rank from it is thrown on all of them. With one rank it is `work` alone.
 *
 * @param work makes no call of the ring
 * @throws DotbiasError on every rank, in the words of the first that failed, for a refusal or an error of the file system; anything
 *   else on its own rank alone, which is to end the job
 */
export async function together<T>(ring: Ring, work: () => Promise<T>): Promise<T> {
  if (ring.size === 1) return work();
  let result: T;
  let problem = '';
  try {
    result = await work();
  } catch (error) {
    problem = sentenceOf(error as NodeJS.ErrnoException);
  }
  const problems = await gatherTexts(ring, problem);
  const rank = problems.findIndex((each) => each !== '');
  if (rank >= 0) throw new DotbiasError(rank === 0 ? problems[0] : `Rank ${rank} on host ${ring.hosts[rank]}: ${problems[rank]}`);
  return result!;
}

/** Work of rank 0 alone, for which the others wait. @throws as `together` */
export async function onFirst<T>(ring: Ring, work: () => Promise<T>): Promise<T | undefined> {
  return together(ring, async () => (ring.rank === 0 ? work() : undefined));
}

/** The same, and what rank 0 has of it is given to all. @throws as `together` */
export async function fromFirst(ring: Ring, work: () => Promise<string>): Promise<string> {
  return (await gatherTexts(ring, (await onFirst(ring, work)) ?? ''))[0];
}

/** The lists of all ranks, by rank, of what JSON can say; every rank calls it. */
export async function gatherLists<T>(ring: Ring, mine: readonly T[]): Promise<T[]> {
  return (await gatherTexts(ring, JSON.stringify(mine))).flatMap((text) => JSON.parse(text) as T[]);
}

function sentenceOf(error: NodeJS.ErrnoException): string {
  if (error instanceof DotbiasError) return error.message;
  const reason = error.syscall === undefined ? undefined : ourReasonOf(error.message);
  if (reason === undefined) throw error;
  return `${error.path === undefined ? '' : `${error.path}: `}${reason}.`;
}
