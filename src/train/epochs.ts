import type { Strata } from '../data/strata.js';
import type { Batches } from '../steps/stepper.js';
import type { EpochOrder } from './order.js';

/** What the epochs of a training are made of. */
export interface Epochs {
  /** Training rows of an epoch, in the order in which steps take them, a batch each. */
  readonly order: EpochOrder;
  /** Steps of each round of an epoch: a submission ends where a round ends. The plain order has one round. */
  readonly steps: readonly number[];
  /** See `Batches.segments`. */
  readonly segmentsPerStep: number;
  /** Settings that decide the order, by name. */
  readonly settings: { readonly strata?: number | undefined; readonly passes?: number | undefined };
  /** Whether the batches of an epoch can be made before it begins. */
  readonly isAhead: boolean;
  /** The batches of a round's steps first to first + n - 1, for each part of the model. An order is made once, if a stepper asks. */
  round(epoch: number, round: number): (first: number, n: number) => readonly Batches[];
}

/** Epochs in an order without strata: one round of full batches, and one part. */
export function plainEpochs(order: EpochOrder, stepsPerEpoch: number, batchSize: number): Epochs {
  return {
    order,
    steps: [stepsPerEpoch],
    segmentsPerStep: 1,
    settings: {},
    isAhead: order.key !== undefined,
    round(epoch) {
      const key = order.key?.(epoch);
      let rows: Uint32Array | undefined;
      return (first, n) => [
        {
          get order() {
            return (rows ??= order(epoch));
          },
          key,
          start: Uint32Array.from({ length: n + 1 }, (_, s) => (first + s) * batchSize),
        },
      ];
    },
  };
}

/** Epochs in strata, for a model in `nParts` parts: part p has the user blocks p S / nParts to (p + 1) S / nParts - 1. */
export function strataEpochs(strata: Strata, nParts = 1): Epochs {
  const {
    steps,
    rows,
    options: { strata: S, passes },
  } = strata;
  const perPart = S / nParts;
  return {
    order: (epoch) => joined(steps.map((_, round) => strata.round(epoch, round).order.map((k) => rows[k]))),
    steps,
    segmentsPerStep: perPart,
    settings: { strata: S, passes },
    isAhead: true,
    round(epoch, round) {
      const orders = Array.from({ length: nParts }, (_, part) => once(() => strata.round(epoch, round, part * perPart, perPart)));
      return (first, n) =>
        orders.map((make) => {
          const segments = once(() => make().segments.slice(first * perPart, (first + n) * perPart + 1));
          return {
            get order() {
              return make().order;
            },
            get segments() {
              return segments();
            },
            get start() {
              return segments().filter((_, i) => i % perPart === 0);
            },
          };
        });
    },
  };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

function joined(lists: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(lists.reduce((sum, { length }) => sum + length, 0));
  lists.reduce((at, list) => (all.set(list, at), at + list.length), 0);
  return all;
}
