import type { Op } from '../../src/gpu/kernel.js';
import { type Fields, struct } from '../../src/gpu/struct.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import type { Schedule } from '../../src/schedule/schedule.js';

/** What the host computes in float64 for a step and gives to the optimiser; `lr` and whatever else it needs. */
export type Rate = Readonly<Record<string, number>>;

/**
 * One optimiser step of a parameter as a WGSL text and its TypeScript twin. The WGSL defines, for four parameters,
 *
 *     update(p: ptr<function, vec4f>, m: ptr<function, vec4f>, v: ptr<function, vec4f>, g: vec4f, rate: Rate, wd: f32)
 *
 * with the parameter p, the optimiser's state m and v, the gradient g, and `Rate` a struct of what `rate` returns.
 */
export interface OptimizerOp extends Op {
  /** Numbers kept for each parameter: 0, 1 (m), or 2 (m and v). All begin at 0. */
  readonly nState: 0 | 1 | 2;
  /** The numbers of a step, in float64; `t` counts the optimiser's steps from 1. The names do not depend on the step. */
  readonly rate: (lr: number, beta1: number, t: number) => Rate;
  /** The new [p, m, v]. State that the optimiser does not keep is given, and ignored, as any number. */
  readonly update: (p: number, m: number, v: number, g: number, rate: Rate, wd: number) => [p: number, m: number, v: number];
  /** Steps without a gradient in closed form. An optimiser that has it trains lazily: only rows of the batch are touched. */
  readonly idle?: IdleOp | undefined;
}

/**
 * What an optimiser does to a row that no rating of the batch touches, for any number of steps t0 <= t < t1 at once, as a
 * WGSL text and its TypeScript twin. The WGSL defines
 *
 *     idle(p: ptr<function, vec4f>, m: ptr<function, vec4f>, v: ptr<function, vec4f>,
 *          wdDecay: f32, decays: vec2f, before: Idle, after: Idle)
 *
 * where `wdDecay` is the product of 1 - lr wd over the idle steps, `decays` are the products of this op's own factors, and
 * `Idle` is a struct of the numbers that `table` gives for each step; before are those of step t0 and after those of t1.
 */
export interface IdleOp {
  /** Fields of `Idle`. */
  readonly fields: Fields;
  /** Up to two factors whose products over the idle steps are `decays`: 'beta1', that of each step, or a constant. */
  readonly decays: readonly ('beta1' | number)[];
  readonly wgsl: string;
  /**
   * `update` and `idle` in one, where that saves work: WGSL that defines
   *
   *     updateThenIdle(p, m, v, g: vec4f, rate: Rate, wd: f32, wdDecay: f32, decays: vec2f, before: Idle, after: Idle)
   *
   * Default: one after the other.
   */
  readonly updateThenIdle?: string | undefined;
  /** The numbers of steps 0 to nSteps of a schedule, for one weight decay. */
  readonly table: (schedule: Schedule, options: IdleOptions) => IdleTable;
  readonly advance: (state: readonly [p: number, m: number, v: number], input: IdleInput) => [p: number, m: number, v: number];
}

/** What a table of idle steps depends on beside the schedule. */
export interface IdleOptions {
  readonly wd: number;
  /** Steps that the optimiser made before this schedule. */
  readonly stepCount: number;
}

/** `Idle` for the steps of a schedule, 0 to nSteps. */
export interface IdleTable {
  /**
   * Each field's numbers for the steps [from, to), step after step; 0 <= from < to <= nSteps + 1. A fit asks for one window
   * after another, and a schedule may have millions of steps: keep nothing for each of them.
   */
  readonly rows: (from: number, to: number) => Readonly<Record<string, Float64Array>>;
  /** The first step from which the closed form is exact to float32; before it rows make their idle steps one by one. */
  readonly validFrom: number;
}

/** Arguments of the twin of `idle`. */
export interface IdleInput {
  readonly wdDecay: number;
  readonly decays: readonly number[];
  /** Each field of `Idle`, as numbers. */
  readonly before: Readonly<Record<string, ArrayLike<number>>>;
  readonly after: Readonly<Record<string, ArrayLike<number>>>;
}

/** The WGSL of `updateThenIdle`. */
export const updateThenIdle = (idle: IdleOp): string =>
  idle.updateThenIdle ??
  wgsl`
fn updateThenIdle(
  p: ptr<function, vec4f>, m: ptr<function, vec4f>, v: ptr<function, vec4f>, g: vec4f, rate: Rate,
  wd: f32, wdDecay: f32, decays: vec2f, before: Idle, after: Idle
) {
  update(p, m, v, g, rate, wd);
  idle(p, m, v, wdDecay, decays, before, after);
}
`;

/** The struct `Rate` of an optimiser. */
export const rateStruct = ({ rate }: OptimizerOp) =>
  struct('Rate', Object.fromEntries(Object.keys(rate(1e-3, 0.9, 1)).map((name) => [name, 'f32' as const])));

/** The struct `Idle` of a closed form. */
export const idleStruct = ({ fields }: IdleOp) => struct('Idle', fields);

/** Storage buffers of an optimiser's state. */
export const stateBuffers = ({ nState }: OptimizerOp) =>
  Object.fromEntries(STATE.slice(0, nState).map((name) => [name, 'read_write array<vec4f>'])) as Record<
    (typeof STATE)[number],
    'read_write array<vec4f>'
  >;

/** Names of the arrays of an optimiser's state. */
export const STATE = ['m', 'v'] as const;

/** @throws RangeError for an optimiser whose state does not fit a kernel, TypeError for something that is not an optimiser */
export function checkOptimizer({ name, nState, wgsl: text, update, rate }: OptimizerOp): void {
  if (typeof text !== 'string' || typeof update !== 'function' || typeof rate !== 'function') {
    throw new TypeError(`The optimiser ${name} must have the text wgsl and the functions update and rate; see OptimizerOp.`);
  }
  if (nState === 0 || nState === 1 || nState === 2) return;
  throw new RangeError(
    `The optimiser ${name} keeps ${String(nState)} numbers for each parameter, but a kernel binds eight buffers, ` +
      'which leaves room for at most 2.',
  );
}
