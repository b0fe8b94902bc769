/** What the page does: one thing at a time, the newest wish first. */
import { batch } from '@preact/signals';
import type { LrFinderResult } from 'dotbias';
import * as engine from './engine.js';
import { sentence, several } from './format.js';
import { type Knobs, knobs } from './knobs.js';
import * as state from './state.js';
import type { Phase, Run, Times } from './state.js';

let current: { abort: AbortController; done: Promise<void> } | undefined;

/** Which knobs the data in use was split for, and how many models were trained. */
let isSplitFor = '';
let trained = 0;

/** Ends what goes on, waits for that, and then does this. An error becomes a sentence on the page. */
async function instead(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const before = current;
  before?.abort.abort();
  const abort = new AbortController();
  const mine = {
    abort,
    done: (async () => {
      await before?.done;
      if (abort.signal.aborted) return;
      state.problem.value = '';
      try {
        await work(abort.signal);
      } catch (error) {
        if (error === abort.signal.reason) say('idle', 'Stopped.');
        else failed(error);
      }
    })(),
  };
  current = mine;
  await mine.done;
  if (current === mine) current = undefined;
}

function say(phase: Phase, status: string): void {
  batch(() => {
    state.phase.value = phase;
    state.status.value = status;
  });
}

async function timed<T>(name: keyof Times, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  state.times.value = { ...state.times.value, [name]: performance.now() - start };
  return result;
}

/** Starts by itself, on the planted set. */
export function begin(): Promise<void> {
  return instead(async (signal) => {
    if (!engine.isSupported()) {
      say('unsupported', 'This browser has no WebGPU.');
      return;
    }
    await openDevice();
    await readAnd(signal, 'planted', 'Making up 100,000 ratings.');
  });
}

/** Trains on a file of the visitor's. */
export function openFile(file: File): Promise<void> {
  if (state.phase.value === 'unsupported') return Promise.resolve();
  return instead((signal) => readAnd(signal, file, `Reading ${file.name}.`));
}

/** Trains on the planted set again. */
export function openPlanted(): Promise<void> {
  return instead((signal) => readAnd(signal, 'planted', 'Making up 100,000 ratings.'));
}

/** Trains anew with the knobs as they are. Does nothing while a training is under way. */
export function train(): Promise<void> {
  const settings = knobs.value;
  if (settings === undefined || state.ratingsRead.value === 0 || isBusy()) return Promise.resolve();
  return instead(async (signal) => {
    await prepare(settings);
    await fit(settings, signal);
  });
}

/** Ends the training, or the search, that is under way. */
export function stop(): void {
  current?.abort.abort();
}

/** Looks for a learning rate again, for the knobs as they are. The model stays. */
export function findRate(): Promise<void> {
  const settings = knobs.value;
  if (settings === undefined || state.ratingsRead.value === 0 || isBusy()) return Promise.resolve();
  return instead(async (signal) => {
    await find(() => engine.findRateFor(settings, signal));
    say('idle', 'The curve of learning rates is drawn.');
  });
}

/** Opens the device again after its loss, in another worker, and trains anew. */
export function recover(): Promise<void> {
  return instead(async (signal) => {
    await openDevice();
    isSplitFor = '';
    await timed('read', () => engine.readAgain(signal));
    const settings = knobs.value;
    if (settings === undefined) return say('idle', 'The device is back. Correct the settings, then train.');
    await prepare(settings);
    await fit(settings, signal);
  });
}

export const isBusy = (): boolean => current !== undefined && !current.abort.signal.aborted;

async function openDevice(): Promise<void> {
  say('starting', 'Opening the GPU.');
  state.device.value = await timed('open', () => engine.open((message) => lost(`The GPU device was lost: ${message}`)));
}

async function readAnd(signal: AbortSignal, from: engine.Source, status: string): Promise<void> {
  say('reading', status);
  try {
    await timed('read', () => engine.read(from, signal));
  } catch (error) {
    // What was there before still is.
    if (state.ratingsRead.value === 0 || signal.aborted) throw error;
    say('idle', 'The file could not be read; the ratings before it are still here.');
    state.problem.value = sentence(error);
    return;
  }
  batch(() => {
    state.ratingsRead.value++;
    state.data.value = state.run.value = state.previousRun.value = state.found.value = state.answer.value = undefined;
    state.films.value = [];
    state.rated.value = new Map();
    state.model.value = 0;
  });
  const settings = knobs.value;
  if (settings === undefined) return say('idle', 'The ratings are read. Correct the settings, then train.');
  await prepare(settings);
  signal.throwIfAborted();
  await find(() => engine.findRate(signal));
  signal.throwIfAborted();
  await fit(settings, signal);
}

/** Splits the ratings and makes a learner for these settings. */
async function prepare(settings: Knobs): Promise<void> {
  state.model.value = 0;
  say('compiling', 'Compiling the kernels.');
  const splitFor = `${state.ratingsRead.value} ${settings.seed} ${settings.batch}`;
  if (splitFor !== isSplitFor) {
    const data = await engine.split(settings);
    const films = await engine.films();
    batch(() => {
      state.data.value = data;
      state.films.value = films;
    });
    isSplitFor = splitFor;
  }
  await timed('compile', () => engine.prepare(settings));
}

async function find(search: () => Promise<LrFinderResult>): Promise<void> {
  say('finding', 'Looking for a learning rate.');
  state.found.value = await timed('find', search);
}

async function fit(settings: Knobs, signal: AbortSignal): Promise<void> {
  const { stepsPerEpoch } = state.data.value!;
  const run: Run = {
    knobs: settings,
    stepsPerEpoch,
    totalSteps: stepsPerEpoch * settings.epochs,
    losses: [],
    smooth: [],
    epochs: [],
    isComplete: false,
  };
  batch(() => {
    if (state.run.value?.isComplete) state.previousRun.value = state.run.value;
    state.run.value = run;
    state.runTick.value++;
    say('training', `Training: epoch 1 of ${settings.epochs}.`);
  });
  await timed('train', async () => {
    for await (const event of engine.stream(settings, signal)) {
      if (event.type === 'steps') {
        event.losses.forEach((loss) => run.losses.push(loss));
        event.smoothLosses.forEach((loss) => run.smooth.push(loss));
      } else {
        run.epochs.push(event.record);
        const next = event.record.epoch + 2;
        if (next <= settings.epochs) state.status.value = `Training: epoch ${next} of ${settings.epochs}.`;
      }
      state.runTick.value++;
    }
  });
  run.isComplete = run.epochs.length === settings.epochs;
  if (state.data.value!.valid > 0) run.final = await engine.validate();
  await engine.warmUp();
  batch(() => {
    trained++;
    state.model.value = trained;
    state.runTick.value++;
    say(
      'idle',
      run.isComplete
        ? `Trained: ${several(settings.epochs, 'epoch')}, validation error ${run.final?.mse.toFixed(4) ?? 'not measured'}.`
        : 'Stopped. The model is as it was at the last step.',
    );
  });
}

function failed(error: unknown): void {
  if (error instanceof Error && error.name === 'DeviceLostError') return lost(error.message);
  if (error instanceof Error && error.name === 'NoAdapterError') return say('unsupported', sentence(error));
  state.problem.value = sentence(error);
  // Another device mends no setting and no file.
  const isWrongValue = error instanceof Error && ['RangeError', 'TypeError', 'DataError'].includes(error.name);
  say(isWrongValue ? 'idle' : 'failed', 'That did not work.');
}

/** When the device was lost last, so that one that is lost again and again is not opened for ever. */
let lastLoss = -Infinity;

function lost(message: string): void {
  if (state.phase.value === 'lost') return;
  const isFirst = performance.now() - lastLoss > 30_000;
  lastLoss = performance.now();
  batch(() => {
    state.model.value = 0;
    state.problem.value = isFirst ? `${sentence(message)} Opening it again.` : `${sentence(message)} It was lost before, too.`;
    say(isFirst ? 'lost' : 'failed', 'The GPU was lost.');
  });
  if (isFirst) setTimeout(() => state.phase.value === 'lost' && void recover(), 500);
}
