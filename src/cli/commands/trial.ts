/** What `dotbias evaluate` and each trial of `dotbias sweep` do: train one recipe on the folds of a protocol. */
import { Command, Option } from 'commander';
import { counted } from '../../base/count.js';
import { fingerprint, fingerprintText } from '../../base/fingerprint.js';
import { type CollabData, type RatingColumns, USUAL_BATCH } from '../../data/collab-data.js';
import { byTime, byUser, checkRepeats, type Fold, givenFolds, kFold, leaveLast, randomHoldOut } from '../../data/protocols.js';
import { evaluate, type EvaluateOptions, type Evaluation, foldNotes, type FoldResult } from '../../evaluate/evaluate.js';
import type { GivenFold, MovieLensFolds } from '../../node/ratings/movielens-folds.js';
import type { CollabLearner, OneCycleFitOptions } from '../../train/learner.js';
import { WITHOUT_TIMES } from '../../read/rating-rows.js';
import { readNamed, type SourceFlags } from '../options/data.js';
import { instant, instantIn } from '../options/instant.js';
import { addSplitOptions, DEFAULT_VALID_PCT, type SplitFlags } from '../options/split.js';
import { noteOnce, steppingNote } from '../print/head.js';
import { addFitOptions, checkEpochs, type FitFlags } from '../options/fit.js';
import { addModelOptions, learnerOptions, type ModelFlags } from '../options/model.js';
import { integer, number, seedList, share } from '../options/numbers.js';
import { UsageError } from '../process/errors.js';
import { note } from '../process/terminal.js';

const PROTOCOLS = ['random', 'kfold', 'leave-last', 'by-time', 'by-user', 'u1-u5', 'ua-ub'] as const;

/** The protocols that an option belongs to; all others would pass over it in silence. */
const OPTIONS_OF: Readonly<Record<string, readonly string[]>> = {
  validPct: ['random'],
  folds: ['kfold', 'by-user'],
  lastK: ['leave-last'],
  given: ['by-user'],
  testFrom: ['by-time'],
  testPct: ['by-time'],
};

/** All that decides the result of a trial, apart from the ratings. */
export interface TrialFlags extends SplitFlags, ModelFlags, FitFlags {
  validPct: number;
  protocol: (typeof PROTOCOLS)[number];
  folds: number;
  lastK: number;
  given: number;
  testFrom?: string | undefined;
  testPct?: number | undefined;
  repeats: number;
  seeds?: number[] | undefined;
  ensemble: number;
  topK?: number | undefined;
  threshold: number;
}

/** Adds `TrialFlags`. */
export function addTrialOptions(command: Command): Command {
  return addFitOptions(addModelOptions(addSplitOptions(command, DEFAULT_VALID_PCT)))
    .addOption(
      new Option(
        '--protocol <name>',
        'random: hold out --valid-pct; kfold: --folds parts, each tested once; leave-last: the last --last-k ratings of each user; ' +
          'by-time: the ratings from --test-from on, or the latest --test-pct of them; ' +
          'by-user: --folds parts of the users, each folded in from --given ratings; u1-u5, ua-ub: the splits of MovieLens-100K',
      )
        .choices(PROTOCOLS)
        .default('random'),
    )
    .option('--folds <n>', 'parts of kfold and by-user', integer(2, 10_000), 5)
    .option('--last-k <n>', 'ratings of each user that leave-last holds out', integer(1, 1_000_000), 1)
    .option('--given <n>', 'ratings from which by-user folds in each user left out', integer(1, 1_000_000), 10)
    .option('--test-from <date>', 'date, or timestamp, from which on by-time holds ratings out', instant)
    .option('--test-pct <x>', 'share of the ratings, the latest, that by-time holds out (default: 0.1)', share)
    .option('--repeats <n>', 'repeat the protocol with --seed and the seeds that follow it', integer(1, 10_000), 1)
    .option('--seeds <list>', 'repeat the protocol with these seeds, such as 1,2,3', seedList)
    .option('--ensemble <n>', 'judge the mean prediction of this many models, each with a seed of its own', integer(1, 1000), 1)
    .option('--top-k <n>', 'judge lists of this many recommendations too: precision, recall, NDCG, MAP, coverage', integer(1, 1_000_000))
    .option('--threshold <x>', 'a test rating of at least this makes an item relevant', number, 4);
}

/** @throws UsageError for an option that was given and that the protocol, or a split that is given, does not use */
export function checkProtocol(command: Command): void {
  const flags = command.opts<TrialFlags & SourceFlags>();
  const isGiven = (name: string) => command.getOptionValueSource(name) === 'cli';
  if (flags.trainFile !== undefined && isGiven('protocol')) {
    throw new UsageError('--protocol splits the ratings, and those of --train-file and --valid-file are split already; leave one out.');
  }
  for (const option of command.options) {
    const protocols = OPTIONS_OF[option.attributeName()];
    if (protocols === undefined || protocols.includes(flags.protocol) || !isGiven(option.attributeName())) continue;
    throw new UsageError(`${option.long} is for the protocol ${protocols.join(' and ')}, and this one is ${flags.protocol}.`);
  }
}

const SETTINGS = addTrialOptions(new Command()).options.map((option) => option.attributeName());

/** The settings that make the identity of a trial: what `addTrialOptions` adds, where it has a value. */
export function trialSettings(flags: TrialFlags): Record<string, unknown> {
  const values = new Map<string, unknown>(Object.entries(flags));
  return Object.fromEntries(SETTINGS.filter((name) => values.get(name) !== undefined).map((name) => [name, values.get(name)]));
}

/** As `trialSettings`, with the batch size and the range of predictions that were used: one, or that of each fold if they differ. */
export function usedSettings(flags: TrialFlags, folds: readonly FoldResult[]): Record<string, unknown> {
  const ranges = folds.map(({ yRange }) => yRange ?? 'none');
  const isOne = new Set(ranges.map(String)).size === 1;
  if (ranges.length === 0) return trialSettings(flags);
  const batchSize = flags.batchSize ?? Math.min(USUAL_BATCH, ...folds.map(({ nTrain }) => nTrain));
  return { ...trialSettings(flags), batchSize, yRange: isOne ? ranges[0] : ranges };
}

/** Ratings as a protocol takes them: in columns to split, or split already. */
interface SourcedRatings {
  columns?: RatingColumns | undefined;
  given?: GivenFold[] | undefined;
  /** Which data these are: a sentence. */
  source: string;
  /** Why they have no timestamps though they have a column of them, a sentence. */
  untimed?: string | undefined;
  /** Tells the ratings from others. */
  fingerprint: string;
}

/** The ratings that the flags name, read once for any number of trials. */
export class FoldSource {
  readonly #read = new Map<string, Promise<SourcedRatings>>();

  constructor(readonly flags: SourceFlags) {}

  /** The folds of a trial. @throws what reading throws; RangeError or TypeError where the ratings do not suit the protocol */
  async folds(trial: TrialFlags): Promise<Fold[]> {
    const { protocol, validPct, folds, lastK: k, given: nGiven, testFrom, testPct, repeats, duplicates } = trial;
    const seeds = trial.seeds ?? Array.from({ length: repeats }, (_, i) => (trial.seed + i) >>> 0);
    if (protocol !== 'by-time' && (testFrom !== undefined || testPct !== undefined)) {
      const name = testFrom === undefined ? 'testPct' : 'testFrom';
      throw new TypeError(`${name} is for the protocol by-time, and this one is ${protocol}.`);
    }
    const { columns, given, untimed } = await this.ratings(trial);
    if (!trial.seeds) {
      const isDivided = protocol === 'kfold' || protocol === 'by-user';
      checkRepeats(repeats, columns?.ratings.length ?? 1, isDivided ? folds : given?.length, 'repeats');
    }
    if (given) return givenFolds(given, { seeds, duplicates });
    if ((protocol === 'leave-last' || protocol === 'by-time') && !columns!.timestamps) {
      const why = untimed === undefined ? '.' : `: ${untimed}`;
      throw new UsageError(`The protocol ${protocol} needs timestamps, and these ratings have none${why}`);
    }
    switch (protocol) {
      case 'kfold':
        return kFold(columns!, { folds, seeds, duplicates });
      case 'by-user':
        return byUser(columns!, { folds, given: nGiven, seeds, duplicates });
      case 'leave-last':
        return leaveLast(columns!, { k, seeds, duplicates });
      case 'by-time': {
        const from = testFrom === undefined ? undefined : instantIn(columns!.timestamps!, testFrom);
        return byTime(columns!, { testFrom: from, testPct, seeds, duplicates });
      }
      default:
        return randomHoldOut(columns!, { validPct, seeds, duplicates });
    }
  }

  /** The ratings that a trial of this protocol is made with. */
  ratings({ protocol }: Pick<TrialFlags, 'protocol'>): Promise<SourcedRatings> {
    const isSplit = this.flags.trainFile !== undefined || this.flags.validFile !== undefined;
    const movieLens = !isSplit && isMovieLens(protocol) ? protocol : undefined;
    const key = movieLens ?? '';
    let reading = this.#read.get(key);
    if (reading === undefined) {
      reading = movieLens ? this.#movieLens(movieLens) : this.#named();
      this.#read.set(key, reading);
    }
    return reading;
  }

  async #named(): Promise<SourcedRatings> {
    const ratings = await readNamed(this.flags);
    const { source } = ratings;
    if ('train' in ratings) return splitAlready([ratings], source);
    const untimed = ratings.notes.find((each) => each.endsWith(WITHOUT_TIMES));
    return { columns: ratings.columns, source, untimed, fingerprint: columnsFingerprint(ratings.columns) };
  }

  async #movieLens(which: MovieLensFolds): Promise<SourcedRatings> {
    const { readMovieLensFolds } = await import('../../node/ratings/movielens-folds.js');
    return splitAlready(await readMovieLensFolds(which, this.flags.data), `${which} of MovieLens-100K.`);
  }
}

function isMovieLens(protocol: string): protocol is MovieLensFolds {
  return protocol === 'u1-u5' || protocol === 'ua-ub';
}

function splitAlready(given: GivenFold[], source: string): SourcedRatings {
  const parts = given.map(({ train, valid }) => columnsFingerprint(train) + columnsFingerprint(valid));
  return { given, source, fingerprint: fingerprintText(parts.join()) };
}

function columnsFingerprint({ users, items, ratings, timestamps = [] }: RatingColumns): string {
  const ids = [users, items].map((column) =>
    ArrayBuffer.isView(column)
      ? Float64Array.from(column as ArrayLike<number>)
      : new TextEncoder().encode(JSON.stringify(Array.from(column))),
  );
  return fingerprint(...ids, Float32Array.from(ratings), Float64Array.from(timestamps));
}

/** Trains and judges the models of a trial. */
export function runTrial(
  flags: TrialFlags,
  folds: readonly Fold[],
  options: Omit<EvaluateOptions, 'ranking'> &
    Pick<OneCycleFitOptions, 'onProgress'> & { onLearner?: ((learn: CollabLearner) => void) | undefined },
): Promise<Evaluation> {
  const { epochs, lr, batchSize, ensemble, topK, threshold } = flags;
  const { onProgress, onLearner, ...rest } = options;
  const recipe = {
    batchSize,
    learner: (data: CollabData) => learnerOptions(flags, data),
    ensemble,
    fit: (learn: CollabLearner) => {
      note(steppingNote(learn));
      foldNotes(learn, folds[0]).forEach(noteOnce);
      onLearner?.(learn);
      checkEpochs(epochs, learn.trainer.stepsPerEpoch, ensemble);
      return learn.fitOneCycle(epochs, lr, { signal: options.signal, ...(onProgress && { onProgress }) });
    },
  };
  return evaluate(folds, recipe, { ...rest, ...(topK !== undefined && { ranking: { k: topK, threshold } }) });
}

/** What the trial does, as a phrase. */
export function describeProtocol(trial: TrialFlags, { flags }: FoldSource, nFolds: number): string {
  const { protocol, validPct, folds, lastK, given, testFrom, testPct, ensemble, topK, threshold } = trial;
  const protocols = {
    random: `${validPct} of the ratings held out at random`,
    kfold: `${folds}-fold cross-validation`,
    'leave-last': `the last ${lastK === 1 ? 'rating' : `${lastK} ratings`} of each user held out`,
    'by-time': testFrom === undefined ? `the latest ${testPct ?? 0.1} of the ratings held out` : `the ratings from ${testFrom} on held out`,
    'by-user': `users left out in ${folds} parts, folded in from ${counted(given, 'rating')} each`,
    'u1-u5': 'u1 to u5',
    'ua-ub': 'ua and ub',
  };
  const what = flags.trainFile === undefined ? protocols[protocol] : 'the given split';
  const models = ensemble > 1 ? `${counted(nFolds, 'ensemble')} of ${ensemble} models` : counted(nFolds, 'model');
  if (topK === undefined) return `${what}, ${models}`;
  const relevant = `relevant from a test rating of ${threshold}`;
  return `${what}, ${models}; lists of ${topK} of all items that the user has not rated in training, ${relevant}`;
}
