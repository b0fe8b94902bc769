/** What `dotbias evaluate` and each trial of `dotbias sweep` do: train one recipe on the folds of a protocol. */
import { type Command, Option } from 'commander';
import type { RatingColumns } from '../../data/collab-data.js';
import { evaluate, type EvaluateOptions, type Evaluation } from '../../evaluate/evaluate.js';
import { fingerprint, fingerprintText } from '../../base/fingerprint.js';
import type { OneCycleFitOptions } from '../../train/learner.js';
import type { GivenFold, MovieLensFolds } from '../../node/ratings/movielens-folds.js';
import { byUser, type Fold, givenFolds, kFold, leaveLast, randomHoldOut } from '../../data/protocols.js';
import { addSplitOptions, leftOut, readerOptions, type SourceFlags, type SplitFlags } from '../options/data.js';
import { addFitOptions, type FitFlags } from '../options/fit.js';
import { addModelOptions, learnerOptions, type ModelFlags } from '../options/model.js';
import { integer, number } from '../options/numbers.js';

const PROTOCOLS = ['random', 'kfold', 'leave-last', 'by-user', 'u1-u5', 'ua-ub'] as const;

/** All that decides the result of a trial, apart from the ratings. */
export interface TrialFlags extends SplitFlags, ModelFlags, FitFlags {
  protocol: (typeof PROTOCOLS)[number];
  folds: number;
  lastK: number;
  given: number;
  repeats: number;
  seeds?: number[];
  ensemble: number;
  topK?: number;
  threshold: number;
}

export function addTrialOptions(command: Command): Command {
  return addFitOptions(addModelOptions(addSplitOptions(command)))
    .addOption(
      new Option(
        '--protocol <name>',
        'random: hold out --valid-pct; kfold: --folds parts, each tested once; leave-last: the last --last-k ratings of each user; by-user: --folds parts of the users, each folded in from --given ratings; u1-u5, ua-ub: the splits of MovieLens-100K',
      )
        .choices(PROTOCOLS)
        .default('random'),
    )
    .option('--folds <n>', 'parts of kfold and by-user', integer(2), 5)
    .option('--last-k <n>', 'ratings of each user that leave-last holds out', integer(1), 1)
    .option('--given <n>', 'ratings by which by-user folds in each user left out', integer(1), 10)
    .option('--repeats <n>', 'repeat the protocol with --seed and the seeds that follow it', integer(1), 1)
    .option('--seeds <list>', 'repeat the protocol with these seeds, such as 1,2,3', seedList)
    .option('--ensemble <n>', 'judge the mean prediction of this many models, each with a seed of its own', integer(1), 1)
    .option('--top-k <n>', 'judge lists of this many recommendations too: precision, recall, NDCG, MAP, coverage', integer(1))
    .option('--threshold <x>', 'a test rating of at least this makes an item relevant', number, 4);
}

function seedList(text: string): number[] {
  return text.split(',').map((seed) => integer(0, 0xffffffff)(seed.trim()));
}

/** Ratings as a protocol takes them: in columns to split, or split already. */
interface SourcedRatings {
  columns?: RatingColumns;
  given?: GivenFold[];
  /** Which data these are: a sentence. */
  source: string;
  /** Tells the ratings from others. */
  fingerprint: string;
}

/** The ratings that the flags name, read once for any number of trials. */
export class FoldSource {
  readonly #read = new Map<string, Promise<SourcedRatings>>();

  constructor(readonly flags: SourceFlags) {}

  /** @throws what reading throws; RangeError or TypeError where the ratings do not suit the protocol */
  async folds(trial: TrialFlags): Promise<Fold[]> {
    const { protocol, validPct, folds, lastK: k, given: nGiven, repeats } = trial;
    const seeds = trial.seeds ?? Array.from({ length: repeats }, (_, i) => (trial.seed + i) >>> 0);
    const { columns, given } = await this.ratings(trial);
    if (given) return givenFolds(given, { seeds });
    switch (protocol) {
      case 'kfold':
        return kFold(columns!, { folds, seeds });
      case 'by-user':
        return byUser(columns!, { folds, given: nGiven, seeds });
      case 'leave-last':
        return leaveLast(columns!, { k, seeds });
      default:
        return randomHoldOut(columns!, { validPct, seeds });
    }
  }

  ratings({ protocol }: Pick<TrialFlags, 'protocol'>): Promise<SourcedRatings> {
    const { trainFile, validFile } = this.flags;
    const kind = trainFile !== undefined || validFile !== undefined ? 'files' : isMovieLens(protocol) ? protocol : 'columns';
    let reading = this.#read.get(kind);
    if (reading === undefined) {
      reading = kind === 'files' ? this.#files() : kind === 'columns' ? this.#columns() : this.#movieLens(kind);
      this.#read.set(kind, reading);
    }
    return reading;
  }

  async #columns(): Promise<SourcedRatings> {
    const { data } = this.flags;
    // Loaded only now, here and below: the reader's database takes a while.
    const { openRatings } = await import('../../node/ratings/default-data.js');
    const { columns, source, ...skipped } = await openRatings({ ...(data !== undefined && { data }), ...readerOptions(this.flags) });
    return { columns, source: `Data: ${source}${leftOut(skipped)}`, fingerprint: columnsFingerprint(columns) };
  }

  async #movieLens(which: MovieLensFolds): Promise<SourcedRatings> {
    const { readMovieLensFolds } = await import('../../node/ratings/movielens-folds.js');
    return splitAlready(await readMovieLensFolds(which, this.flags.data), `Data: ${which} of MovieLens-100K.`);
  }

  async #files(): Promise<SourcedRatings> {
    const { trainFile, validFile } = this.flags;
    if (trainFile === undefined || validFile === undefined)
      throw new TypeError('--train-file and --valid-file go together: one names the ratings to train on, the other those to be judged by.');
    const { readSplit } = await import('../../node/ratings/ratings-file.js');
    const { train, valid, name, ...skipped } = await readSplit(trainFile, validFile, readerOptions(this.flags));
    return splitAlready([{ name, train, valid }], `Data: ${trainFile} and ${validFile}.${leftOut(skipped)}`);
  }
}

function isMovieLens(protocol: string): protocol is MovieLensFolds {
  return protocol === 'u1-u5' || protocol === 'ua-ub';
}

function splitAlready(given: GivenFold[], source: string): SourcedRatings {
  return {
    given,
    source,
    fingerprint: fingerprintText(given.map(({ train, valid }) => columnsFingerprint(train) + columnsFingerprint(valid)).join()),
  };
}

function columnsFingerprint({ users, items, ratings, timestamps = [] }: RatingColumns): string {
  const ids = [users, items].map((column) =>
    ArrayBuffer.isView(column)
      ? Float64Array.from(column as ArrayLike<number>)
      : new TextEncoder().encode(JSON.stringify(Array.from(column))),
  );
  return fingerprint(...ids, Float32Array.from(ratings), Float64Array.from(timestamps));
}

/** Trains and judges. */
export function runTrial(
  flags: TrialFlags,
  folds: readonly Fold[],
  options: Omit<EvaluateOptions, 'ranking'> & Pick<OneCycleFitOptions, 'onProgress'>,
): Promise<Evaluation> {
  const { epochs, lr, batchSize, ensemble, topK, threshold } = flags;
  const { onProgress, signal, ...rest } = options;
  const fitOptions = { signal, ...(onProgress && { onProgress }) };
  return evaluate(
    folds,
    { batchSize, learner: learnerOptions(flags), ensemble, fit: (learn) => learn.fitOneCycle(epochs, lr, fitOptions) },
    { ...rest, ...(signal && { signal }), ...(topK !== undefined && { ranking: { k: topK, threshold } }) },
  );
}

/** What the trial does, as a phrase. */
export function describeProtocol(
  { protocol, validPct, folds, lastK, given, ensemble, topK, threshold }: TrialFlags,
  { flags }: FoldSource,
  nFolds: number,
): string {
  const what =
    flags.trainFile !== undefined
      ? 'the given split'
      : {
          random: `${validPct} of the ratings held out at random`,
          kfold: `${folds}-fold cross-validation`,
          'leave-last': `the last ${lastK === 1 ? 'rating' : `${lastK} ratings`} of each user held out`,
          'by-user': `users left out in ${folds} parts, folded in from ${given} ratings each`,
          'u1-u5': 'u1 to u5',
          'ua-ub': 'ua and ub',
        }[protocol];
  const judged =
    topK === undefined
      ? ''
      : `; lists of ${topK} of all items that the user has not rated in training, relevant from a test rating of ${threshold}`;
  return `${what}, ${nFolds} ${ensemble > 1 ? `ensembles of ${ensemble} models` : nFolds === 1 ? 'model' : 'models'}${judged}`;
}
