import type { CollabModel } from '../answer/collab-model.js';
import { CollabData, type CollabDataOptions, type RatingColumns, type RatingRow } from '../data/collab-data.js';
import { type PlantedOptions, plantedRatings } from '../data/planted.js';
import type { OpenGpuOptions } from '../gpu/acquire.js';
import type { SentLoadOptions } from '../files/fetch-model.js';
import type { Gpu } from '../gpu/gpu.js';
import type { ParseRatingsOptions } from '../read/parse-ratings.js';
import type { CollabLearner } from '../train/learner.js';
import { collabLearner } from '../train/make-learner.js';
import type { LearnerOptions } from '../train/options.js';
import { HeldPlantedRatings, HeldRatings } from './held-ratings.js';

/**
 * What the page's `Engine` asks for, in the worker. What many pages never ask for is loaded when it is.
 * @param open opens a device, also where a learner or a model is given none
 */
export class WorkerEngine {
  constructor(private readonly open: (options?: OpenGpuOptions) => Promise<Gpu>) {}

  openGpu(options?: OpenGpuOptions): Promise<Gpu> {
    return this.open(options);
  }

  async parseRatings(source: Blob | Uint8Array, options?: ParseRatingsOptions): Promise<HeldRatings> {
    const { parseRatings } = await import('../read/parse-ratings.js');
    return new HeldRatings(await parseRatings(source, options));
  }

  plantedRatings(options?: PlantedOptions): HeldPlantedRatings {
    return new HeldPlantedRatings(plantedRatings(options));
  }

  makeData(ratings: HeldRatings | RatingColumns | Iterable<RatingRow>, options?: CollabDataOptions): CollabData {
    if (ratings instanceof HeldRatings) {
      return CollabData.fromArrays(ratings.columns(), { name: ratings.name, titles: ratings.titles(), ...options });
    }
    return Symbol.iterator in ratings ? CollabData.fromRows(ratings, options) : CollabData.fromArrays(ratings, options);
  }

  collabLearner(data: CollabData, options?: LearnerOptions): Promise<CollabLearner> {
    if (!(data instanceof CollabData)) throw new TypeError("collabLearner takes data of this worker: what its engine's makeData gives.");
    return collabLearner(data, options, () => this.open());
  }

  async loadModel(file: Uint8Array | string, options?: SentLoadOptions & { gpu?: Gpu | undefined }): Promise<CollabModel> {
    const { loadModel } = await import('../files/model-file.js');
    return loadModel(file, options, () => this.open());
  }
}
