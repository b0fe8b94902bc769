/** An optimiser of your own: Lion (Chen et al. 2023), which moves every parameter by the sign of its momentum. */
import { checkOp, CollabData, collabLearner, type OptimizerOp, plantedRatings, wgsl } from '../src/node.js';

const lion: OptimizerOp = {
  name: 'lion',
  uniforms: { beta2: 0.99 },
  nState: 1,
  rate: (lr, beta1) => ({ lr, beta1 }),
  wgsl: wgsl`
fn update(p: ptr<function, vec4f>, m: ptr<function, vec4f>, v: ptr<function, vec4f>, g: vec4f, rate: Rate, wd: f32) {
  *p = *p * (1.0 - rate.lr * wd) - rate.lr * sign(rate.beta1 * *m + (1.0 - rate.beta1) * g);
  *m = uniforms.beta2 * *m + (1.0 - uniforms.beta2) * g;
}
`,
  update: (p, m, v, g, { lr = 0, beta1: b = 0 }, wd) => [p * (1 - lr * wd) - lr * Math.sign(b * m + (1 - b) * g), 0.99 * m + 0.01 * g, v],
};

const data = CollabData.fromArrays(plantedRatings({ nUsers: 100, nItems: 200, nRatings: 4000 }).columns);
const learn = await collabLearner(data, { optimizer: lion, nFactors: 8, yRange: [0, 5.5] });
await checkOp(learn.gpu, lion);
await learn.fitOneCycle(3, 0.003);
console.log(learn.stepping.why, await learn.validate()); // no closed form for idle steps: dense
learn.release();
