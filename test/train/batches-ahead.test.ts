import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Batches } from '../../src/steps/stepper.js';
import { BatchesAhead, type Submission } from '../../src/train/batches-ahead.js';
import { plainEpochs } from '../../src/train/epochs.js';
import { type EpochOrder, randomOrder } from '../../src/train/order.js';

/** 2 1/2 epochs of 5 steps, 2 steps a submission, from epoch 3 of a learner's life on. */
const PLACES = { maxSteps: 2, firstStep: 0, totalSteps: 13, firstEpoch: 3 };
const epochsOf = (order: EpochOrder) => plainEpochs(order, 5, 4);
const N_SUBMISSIONS = 8;

const nameOf = ({ key, start }: Batches) => `${key ?? 'no key'} ${[...start].join(' ')}`;

test('submissions end with their epoch and with the schedule', () => {
  const ahead = new BatchesAhead(
    epochsOf(() => new Uint32Array(20)),
    PLACES,
  );
  const starts = Array.from({ length: N_SUBMISSIONS }, () => [...ahead.next().batches[0].start]);
  assert.equal(starts, [
    [0, 4, 8],
    [8, 12, 16],
    [16, 20],
    [0, 4, 8],
    [8, 12, 16],
    [16, 20],
    [0, 4, 8],
    [8, 12],
  ]);
});

test('two submissions are known before they are due, across epochs too, and are the ones that come', () => {
  const order = randomOrder(20, 1);
  const ahead = new BatchesAhead(epochsOf(order), PLACES);
  const names: string[] = [];
  let coming: Submission[] = [];
  for (let k = 0; k < N_SUBMISSIONS; k++) {
    const submission = ahead.next();
    if (k > 0) assert.is(submission, coming[0]);
    names.push(nameOf(submission.batches[0]));
    coming = ahead.coming();
    assert.is(coming.length, Math.min(2, N_SUBMISSIONS - 1 - k));
  }
  const epochs = [3, 3, 3, 4, 4, 4, 5, 5];
  assert.equal(
    names.map((name) => name.split(' ')[0]),
    epochs.map((epoch) => String(order.key!(epoch))),
  );
});

test('an order without a key is asked for once an epoch, and not before it begins', () => {
  const asked: number[] = [];
  const order: EpochOrder = (epoch) => {
    asked.push(epoch);
    return new Uint32Array(20);
  };
  const ahead = new BatchesAhead(epochsOf(order), PLACES);
  const askedThen = Array.from({ length: N_SUBMISSIONS }, () => {
    for (const { batches } of [ahead.next(), ...ahead.coming()]) void batches[0].order;
    return [...asked];
  });
  assert.equal(askedThen, [[3], [3], [3], [3, 4], [3, 4], [3, 4], [3, 4, 5], [3, 4, 5]]);
});

test.run();
