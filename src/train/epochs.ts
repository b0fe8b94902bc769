import type { Strata } from '../data/strata.js';
import type { Rounds } from '../data/rounds.js';
import type { Batches, RoundSteps } from '../steps/stepper.js';
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
          start: Uint32Array.from({ length: n + 1 }, (_, s) => (first + s) * batchSize),
        },
      ];
    },
  };
}

/**
 * Epochs in strata, for a model in `nParts` parts, of which `n` from `first` on are asked for: part p has the user blocks p S / nParts to
 * (p + 1) S / nParts - 1.
 */
export function strataEpochs({ rounds, rows }: Strata, nParts: number, first = 0, n = nParts): Epochs {
  const { strata, passes } = rounds.plan;
  const perPart = strata / nParts;
  const parts = Array.from({ length: n }, (_, part) => rounds.of((first + part) * perPart, perPart));
  return {
    order: (epoch) => joined(rounds.steps.map((_, round) => rounds.round(epoch, round).order.map((k) => rows[k]))),
    steps: rounds.steps,
    segmentsPerStep: perPart,
    settings: { strata, passes },
    isAhead: true,
    round: (epoch, round) => (firstStep, nSteps) => parts.map((part) => batchesOf(part, { epoch, round, first: firstStep, n: nSteps })),
  };
}

function batchesOf(rounds: Rounds, steps: RoundSteps): Batches {
  const { epoch, round, first, n } = steps;
  const perStep = rounds.plan.n;
  const segments = () => rounds.round(epoch, round).segments.slice(first * perStep, (first + n) * perStep + 1);
  return {
    round: steps,
    get order() {
      return rounds.round(epoch, round).order;
    },
    get segments() {
      return segments();
    },
    get start() {
      return segments().filter((_, i) => i % perStep === 0);
    },
  };
}

function joined(lists: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(lists.reduce((sum, { length }) => sum + length, 0));
  lists.reduce((at, list) => (all.set(list, at), at + list.length), 0);
  return all;
}
