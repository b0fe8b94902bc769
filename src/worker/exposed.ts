/** What a page may do with each class of the core whose objects stay in the worker, and what these objects are to the page. */
import { CollabModel } from '../answer/collab-model.js';
import { FoldedUsers } from '../answer/folded-users.js';
import { FoldedUser } from '../answer/folded-user.js';
import type { ItemMap } from '../answer/item-map.js';
import type { ItemPca } from '../answer/pca.js';
import { UserFolder } from '../answer/user-folder.js';
import { CollabData } from '../data/collab-data.js';
import type { EncodeOptions } from '../files/model-file.js';
import { Gpu } from '../gpu/gpu.js';
import { CollabLearner, type OneCycleFitOptions } from '../train/learner.js';
import type { FitOptions } from '../train/run-fit.js';
import { WorkerEngine } from './engine.js';
import { HeldPlantedRatings, HeldRatings } from './held-ratings.js';
import type { Exposed } from './worker-side.js';

/** @param is what may be done: see `Exposed` */
function expose<T, M extends string & keyof T, F extends string & keyof T, X extends Exposed['functions']>(
  type: { readonly prototype: T },
  is: Pick<Exposed, 'streams' | 'fresh'> & { methods: readonly M[]; fields: readonly F[]; functions: X },
) {
  return { ...is, type };
}

const ENGINE = expose(WorkerEngine, {
  methods: ['openGpu', 'parseRatings', 'plantedRatings', 'makeData', 'collabLearner', 'loadModel'],
  fields: [],
  functions: {},
});

const GPU = expose(Gpu, {
  methods: ['allocated', 'peakAllocated', 'idle', 'destroy'],
  fields: ['info', 'memoryBudget', 'maxBinding', 'immediateMode'],
  functions: {
    /** Told once the device is lost, or has been destroyed. */
    lost: ({ device }: Gpu) => device.lost.then(({ reason, message }) => ({ reason, message })),
  },
});

const RATINGS = expose(HeldRatings, {
  methods: ['columns', 'titles', 'extremes'],
  fields: ['name', 'nRatings', 'skipped', 'skippedExamples', 'notes'],
  functions: {},
});

const PLANTED = expose(HeldPlantedRatings, {
  ...RATINGS,
  methods: [...RATINGS.methods, 'expected', 'bestMse'],
});

const DATA = expose(CollabData, {
  methods: ['titleOf', 'popularItems'],
  fields: ['name', 'nUsers', 'nItems', 'nTrain', 'nValid', 'seed', 'batchSize', 'stepsPerEpoch', 'duplicates', 'notes'],
  functions: {},
});

const FOLDER = expose(UserFolder, {
  methods: ['fold'],
  fields: [],
  functions: {},
});

const FOLDED_USER = expose(FoldedUser, {
  methods: ['predict', 'recommend', 'because'],
  fields: ['factors', 'bias'],
  functions: {},
  fresh: ['predict'],
});

const FOLDED_USERS = expose(FoldedUsers, {
  methods: ['recommend'],
  fields: ['factors', 'biases'],
  functions: {},
  fresh: ['recommend'],
});

const MODEL = expose(CollabModel, {
  methods: [
    ...(['predict', 'predictRows', 'recommend', 'recommendAll', 'foldIn', 'foldInAll', 'folder', 'warmUp'] as const),
    ...(['similarItems', 'similarUsers', 'itemBias', 'userBias', 'vectors', 'biases', 'tables', 'titleOf'] as const),
  ],
  fields: ['yRange', 'gpu'],
  functions: {
    encodeModel: async (model: CollabModel, options?: EncodeOptions) =>
      (await import('../files/model-file.js')).encodeModel(model, options),
    itemMap: async (model: CollabModel, count?: number) => (await import('../answer/item-map.js')).itemMap(model, count),
    itemPca: async (model: CollabModel, nComponents?: number) => (await import('../answer/pca.js')).itemPca(model, nComponents),
  },
  fresh: ['predict', 'predictRows', 'recommendAll', 'biases', 'encodeModel'],
});

/** `FitOptions` of a learner in a worker: what can cross. */
export interface RemoteFitOptions extends Pick<FitOptions, 'onProgress' | 'onEpoch' | 'signal'> {
  /** Called after each epoch with the bytes of a checkpoint, which a later fit can `resume`. */
  checkpoint?: ((bytes: Uint8Array) => void | Promise<void>) | undefined;
  /** The bytes of a checkpoint. */
  resume?: Uint8Array | undefined;
}

/** The same with the shape of the 1-cycle schedule. */
export interface RemoteOneCycleFitOptions extends RemoteFitOptions, Omit<OneCycleFitOptions, keyof FitOptions> {}

/** The same as options of the core. */
async function fitOptions({ checkpoint, resume, ...rest }: RemoteOneCycleFitOptions = {}): Promise<OneCycleFitOptions> {
  return {
    ...rest,
    ...(checkpoint && { checkpoint: (bytes) => checkpoint(bytes) }),
    ...(resume && { resume: (await import('../train/checkpoint.js')).decodeCheckpoint(resume) }),
  };
}

const LEARNER = expose(CollabLearner, {
  methods: [...MODEL.methods, 'history', 'lrFind', 'validate', 'showResults'],
  fields: [...MODEL.fields, 'defaults', 'seed', 'notes'],
  functions: {
    ...MODEL.functions,
    /** How steps are made, and why. */
    stepping: ({ stepping: { factory, why, note, isFallback } }: CollabLearner) => ({ name: factory.name, why, note, isFallback }),
    fit: async (learn: CollabLearner, epochs: number, lr?: number, options?: RemoteFitOptions) =>
      learn.fit(epochs, lr, await fitOptions(options)),
    fitOneCycle: async (learn: CollabLearner, epochs: number, lrMax?: number, options?: RemoteOneCycleFitOptions) =>
      learn.fitOneCycle(epochs, lrMax, await fitOptions(options)),
    async *stream(learn: CollabLearner, epochs: number, lrMax?: number, options?: RemoteOneCycleFitOptions) {
      return yield* learn.stream(epochs, lrMax, await fitOptions(options));
    },
  },
  streams: ['stream'],
  fresh: MODEL.fresh,
});

/** All of them; a class before the one that it extends. */
export const EXPOSED = {
  Engine: ENGINE,
  Gpu: GPU,
  PlantedRatings: PLANTED,
  Ratings: RATINGS,
  CollabData: DATA,
  UserFolder: FOLDER,
  FoldedUser: FOLDED_USER,
  FoldedUsers: FOLDED_USERS,
  CollabLearner: LEARNER,
  CollabModel: MODEL,
};

/** A `Gpu` in the worker. */
export interface RemoteGpu extends Remote<typeof GPU> {}
/** Ratings in the worker. */
export interface RemoteRatings extends Remote<typeof RATINGS> {}
/** Planted ratings in the worker. */
export interface RemotePlantedRatings extends Remote<typeof PLANTED> {}
/** A `CollabData` in the worker. */
export interface RemoteData extends Remote<typeof DATA> {}
/** A `UserFolder` in the worker. */
export interface RemoteUserFolder extends Remote<typeof FOLDER> {}
/** A `FoldedUser` in the worker. */
export interface RemoteFoldedUser extends Remote<typeof FOLDED_USER> {
  predict: FoldedUser['predict'];
}
/** `FoldedUsers` in the worker. */
export interface RemoteFoldedUsers extends Remote<typeof FOLDED_USERS> {}
/** A `CollabModel` in the worker. */
export interface RemoteModel extends Remote<typeof MODEL> {}
/** A `CollabLearner` in the worker. */
export interface RemoteLearner extends Remote<typeof LEARNER> {}

/** Classes, and what their objects are in the page, a class before the one that it extends. A clone has no methods. */
type Pairs = [
  [Gpu, RemoteGpu],
  [HeldPlantedRatings, RemotePlantedRatings],
  [HeldRatings, RemoteRatings],
  [CollabData, RemoteData],
  [UserFolder, RemoteUserFolder],
  [FoldedUser, RemoteFoldedUser],
  [FoldedUsers, RemoteFoldedUsers],
  [CollabLearner, RemoteLearner],
  [CollabModel, RemoteModel],
  [ItemMap, Omit<ItemMap, 'project'>],
  [ItemPca, Omit<ItemPca, 'project' | 'ends'>],
];

/** What a value of the core is in the page. */
type InPage<T, From = Pairs> = From extends [[infer Class, infer There], ...infer Rest] ? (T extends Class ? There : InPage<T, Rest>) : T;

/** A method as the page calls it; a property as it reads it. */
type Call<F> = F extends (...args: infer Args) => infer Result
  ? Result extends AsyncGenerator<infer Event, infer End, void>
    ? (...args: Args) => AsyncGenerator<Event, End, void>
    : (...args: Args) => Promise<InPage<Awaited<Result>>>
  : () => Promise<InPage<F>>;
type OfSelf<F> = F extends (self: never, ...args: infer Args) => infer Result ? (...args: Args) => Result : never;

/** An object that stays in the worker, as the page sees it. */
export type Remote<E extends Exposed> = Fields<E['type']['prototype'], E['fields'][number]> &
  Calls<Omit<E['type']['prototype'], keyof E['functions']>, E['methods'][number]> &
  Functions<E['functions']> & {
    /** Ends what the object owns, such as memory or a device, and lets go of it. `await using` calls it too. */
    release(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
  };
type Fields<T, K> = { readonly [P in keyof T & K]: InPage<T[P]> };
type Calls<T, K> = { readonly [P in keyof T & K]: Call<T[P]> };
type Functions<F> = { readonly [P in keyof F]: Call<OfSelf<F[P]>> };
