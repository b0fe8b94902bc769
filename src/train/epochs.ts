import type { Deals } from '../model/parted-tables.js';
import type { Batches } from '../steps/stepper.js';
import type { EpochOrder } from './order.js';

/** What the epochs of a training are made of. */
export interface Epochs {
  /** Training rows of an epoch, in the order in which steps take them, a batch each. */
  readonly order: EpochOrder;
  /** Stands for the order of all epochs where it follows from this, the ratings, the seed and `settings`; else for none. */
  readonly orderPrint?: string | undefined;
  /** Steps of each round of an epoch: a submission ends where a round ends. The plain order has one round. */
  readonly steps: readonly number[];
  /** See `Batches.segments`. */
  readonly segmentsPerStep: number;
  /** How users and items were dealt to blocks; undefined for the plain order. */
  readonly deals?: Deals | undefined;
  /** Settings that decide the order, by name. */
  readonly settings: { readonly strata?: number | undefined; readonly passes?: number | undefined };
  /** Whether the batches of an epoch can be made before it begins. */
  readonly isAhead: boolean;
  /** The batches of a round's steps first to first + n - 1, for each part of the model. What is asked for is made then. */
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
          start: new Uint32Array(n + 1).map((_, s) => (first + s) * batchSize),
        },
      ];
    },
  };
}
