import { wgsl } from '../../src/gpu/wgsl.js';
import type { Schedule } from '../../src/schedule/schedule.js';
import { backward } from './backward.js';
import type { IdleOptions, IdleTable, OptimizerOp } from './optimizer.js';

/**
 * Stochastic gradient descent with decoupled weight decay; with momentum, whose coefficient is the schedule's beta1:
 *
 *     m <- beta1 m + g;  p <- p (1 - lr wd) - lr m        without momentum m = g
 *
 * @param options `momentum`, default false
 */
export function sgd({ momentum = false }: { momentum?: boolean | undefined } = {}): OptimizerOp {
  return {
    name: momentum ? 'sgd with momentum' : 'sgd',
    nState: momentum ? 1 : 0,
    rate: (lr, beta1) => ({ lr, beta1: momentum ? beta1 : 0 }),
    wgsl: wgsl`
fn update(p: ptr<function, vec4f>, m: ptr<function, vec4f>, v: ptr<function, vec4f>, g: vec4f, rate: Rate, wd: f32) {
  *m = rate.beta1 * *m + g;
  *p = *p * (1.0 - rate.lr * wd) - rate.lr * *m;
}
`,
    update: (p, m, v, g, { lr, beta1 }, wd) => {
      m = beta1 * m + g;
      return [p * (1 - lr * wd) - lr * m, m, v];
    },
    idle: {
      fields: { q: 'f32' },
      decays: [momentum ? 'beta1' : 0],
      wgsl: wgsl`
fn idle(p: ptr<function, vec4f>, m: ptr<function, vec4f>, v: ptr<function, vec4f>, wdDecay: f32, decays: vec2f, before: Idle, after: Idle) {
  let rest = *p - *m * before.q;
  *m *= decays.x;
  *p = wdDecay * rest + *m * after.q;
}
`,
      table: idleTable,
      advance: ([p, m, v], { wdDecay, decays: [b], before, after }) => [
        wdDecay * (p - m * before['q'][0]) + m * b * after['q'][0],
        m * b,
        v,
      ],
    },
  };

  /**
   * While a row is idle, m shrinks by beta1 and p moves by -lr m. With W and B the products of 1 - lr wd and of beta1,
   *
   *     p1 - m1 q_t1 = W (p0 - m0 q_t0)      q_t = beta1_t / (1 - lr_t wd) (lr_t + q_{t+1}),  q_nSteps = 0
   *
   * q counts all the steps yet to come. Where the rate grows fast most of it lies far ahead, and p - m q would lose p to
   * rounding: there rows make their idle steps one by one.
   */
  function idleTable({ lr, beta1 }: Schedule, { wd }: IdleOptions): IdleTable {
    const q = new Float64Array(1);
    const beta = (t: number) => (momentum ? beta1[t] : 0);
    const { visit } = backward(lr.length, q, (t) => (q[0] = (beta(t) / (1 - lr[t] * wd)) * (lr[t] + q[0])));
    let validFrom = 0;
    visit(0, lr.length, (t) => {
      const near = lr[t] / (1 - beta(t));
      if (validFrom === 0 && !(q[0] <= FAR * near)) validFrom = t + 1;
    });
    const rows = (from: number, to: number) => {
      const all = new Float64Array(to - from);
      visit(from, to, (t) => (all[t - from] = q[0]));
      return { q: all };
    };
    return { rows, validFrom };
  }
}

/** How much larger than the steps at hand the sum of all steps to come may be. */
const FAR = 16;
