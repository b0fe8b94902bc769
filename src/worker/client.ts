import { show } from '../base/check.js';
import type { CollabDataOptions, RatingColumns, RatingRow } from '../data/collab-data.js';
import type { PlantedOptions } from '../data/planted.js';
import type { SentLoadOptions } from '../files/fetch-model.js';
import type { OpenGpuOptions } from '../gpu/acquire.js';
import { webThread } from '../gpu/web-thread.js';
import type { Thread } from '../gpu/thread.js';
import type { ParseRatingsOptions } from '../read/parse-ratings.js';
import type { StepperName } from '../steps/stepper.js';
import type { LearnerOptions } from '../train/options.js';
import type { RemoteData, RemoteGpu, RemoteLearner, RemoteModel, RemotePlantedRatings, RemoteRatings } from './exposed.js';
import { ENGINE } from './messages.js';
import { PageSide } from './page-side.js';

/** `LearnerOptions` of a learner in a worker: what can cross. */
export interface RemoteLearnerOptions extends Omit<
  LearnerOptions,
  'score' | 'range' | 'loss' | 'optimizer' | 'order' | 'stepper' | 'calibrations' | 'gpu'
> {
  stepper?: StepperName | 'auto' | undefined;
  /** A device in the same worker. Default: one opened for this learner, which `release` ends. */
  gpu?: RemoteGpu | undefined;
}

/**
 * dotbias in a worker. Its methods are those of the core; what they make stays in the worker, and the page has an object with the
 * same methods, each of which gives a promise. Errors come over as errors of the same class.
 */
export interface Engine {
  /** Opens a device; see `openGpu`. Its method `lost` waits for its loss. */
  openGpu(options?: Omit<OpenGpuOptions, 'onLost'>): Promise<RemoteGpu>;
  /** Ratings read in the worker, which has them; see `parseRatings`. Of a stream, give `await new Response(stream).blob()`. */
  parseRatings(source: Blob | Uint8Array, options?: ParseRatingsOptions): Promise<RemoteRatings>;
  /** Planted ratings, made in the worker; see `plantedRatings`. */
  plantedRatings(options?: PlantedOptions): Promise<RemotePlantedRatings>;
  /**
   * Ratings ready for training: of the worker, or of the page, which are then copied; see `CollabData.fromArrays` and `fromRows`.
   * Ratings of the worker bring their name and titles along.
   */
  makeData(
    ratings: RemoteRatings | RemotePlantedRatings | RatingColumns | readonly RatingRow[],
    options?: CollabDataOptions,
  ): Promise<RemoteData>;
  /** A learner; see `collabLearner`. */
  collabLearner(data: RemoteData, options?: RemoteLearnerOptions): Promise<RemoteLearner>;
  /** A saved model, of its bytes or its address; see `loadModel`. */
  loadModel(file: Uint8Array | string, options?: SentLoadOptions & { gpu?: RemoteGpu | undefined }): Promise<RemoteModel>;
  /** Ends the worker, and with it everything that lives there. Calls that still wait are rejected. */
  terminate(): void;
}

const METHODS: readonly (keyof Engine)[] = ['openGpu', 'parseRatings', 'plantedRatings', 'makeData', 'collabLearner', 'loadModel'];

/**
 * Connects to a worker that runs `dotbias/worker`, so that training does not hold up the page's thread:
 *
 *     const engine = connectWorker(new Worker(new URL('dotbias/worker', import.meta.url), { type: 'module' }));
 *     const data = await engine.makeData(await engine.plantedRatings());
 *     const learn = await engine.collabLearner(data, { nFactors: 40 });
 *     for await (const event of learn.stream(5, 0.01)) show(event);
 *
 * No result depends on it: the bits are those of the same calls in the page's thread. Nor does it matter that calls may be made before the
 * worker has loaded. A worker that cannot be loaded, dies or has another version of dotbias rejects all calls with a `DotbiasError`.
 *
 * @param worker a worker, a port to one, or a thread of another kind
 * @throws TypeError for anything else
 */
export function connectWorker(worker: Worker | MessagePort | Thread): Engine {
  const side = new PageSide(threadOf(worker));
  const terminate = () => side.end('the page has ended it');
  return { ...side.remote(ENGINE, { methods: METHODS, streams: [] }), terminate } as unknown as Engine;
}

function threadOf(worker: Worker | MessagePort | Thread): Thread {
  const has = (method: string) => typeof (worker as unknown as Record<string, unknown> | undefined)?.[method] === 'function';
  if (has('listen')) return worker as Thread;
  if (has('postMessage') && has('addEventListener')) return webThread(worker as Worker);
  throw new TypeError(`connectWorker takes a Worker or a MessagePort, not ${show(worker)}.`);
}
