import { DotbiasError } from '../base/errors.js';
import { fingerprint } from '../base/fingerprint.js';
import { ALONE, type Ring } from '../base/ring.js';
import type { Ratings } from '../data/ratings.js';
import type { Rounds, RoundSteps } from '../data/rounds.js';
import type { Strata } from '../data/strata.js';
import type { ModelTables } from '../model/tables.js';
import type { Batches, StepperInput } from '../steps/stepper.js';
import type { Epochs } from './epochs.js';

/** Training in strata: its epochs, and what the stepper of each part that this process has is made from. */
export function divided(model: ModelTables, train: Ratings, strata: Strata, ring: Ring = ALONE): { epochs: Epochs; inputs: PartInput[] } {
  const { length } = model.parts;
  return {
    epochs: strataEpochs(strata, ring.size * length, ring.rank * length, length),
    inputs: partInputs(model, train, strata, ring),
  };
}

/** What the stepper of each part is made from, as far as parts differ. */
function partInputs(model: ModelTables, train: Ratings, order: Strata, { rank, size }: Ring): PartInput[] {
  const { parts } = model;
  const perPart = order.rounds.plan.strata / (size * parts.length);
  return parts.map((tables, part) => {
    const [first, n] = [(rank * parts.length + part) * perPart, perPart];
    return { tables, train: model.placed(order.ratings(train, first, n)), rounds: order.rounds.of(first, n) };
  });
}

type PartInput = Pick<StepperInput, 'tables' | 'train' | 'rounds'>;

/**
 * Epochs in strata, for a model in `nParts` parts, of which `n` from `first` on are asked for: part p has the user blocks p S / nParts to
 * (p + 1) S / nParts - 1.
 */
function strataEpochs({ users, items, rounds, rows }: Strata, nParts: number, first = 0, n = nParts): Epochs {
  const { strata, passes } = rounds.plan;
  const perPart = strata / nParts;
  const parts = Array.from({ length: n }, (_, part) => rounds.of((first + part) * perPart, perPart));
  return {
    order(epoch) {
      if (rows === undefined) throw new DotbiasError('A rank that has only some of the ratings does not know the order of all.');
      return joined(rounds.steps.map((_, round) => rounds.round(epoch, round).order.map((k) => rows[k])));
    },
    orderPrint: fingerprint(rounds.plan.start),
    steps: rounds.steps,
    segmentsPerStep: perPart,
    deals: { users, items },
    settings: { strata, passes },
    isAhead: true,
    round: (epoch, round) => (firstStep, nSteps) => parts.map((part) => batchesOf(part, { epoch, round, first: firstStep, n: nSteps })),
  };
}

function batchesOf(rounds: Rounds, steps: RoundSteps): Batches {
  return {
    round: steps,
    get order() {
      return rounds.stepsOf(steps).order;
    },
    get segments() {
      return rounds.stepsOf(steps).segments;
    },
    get start() {
      return rounds.stepsOf(steps).start;
    },
  };
}

function joined(lists: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(lists.reduce((sum, { length }) => sum + length, 0));
  lists.reduce((at, list) => (all.set(list, at), at + list.length), 0);
  return all;
}
