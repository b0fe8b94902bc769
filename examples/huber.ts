/** A loss of your own: squared error near the rating, absolute error beyond `delta`, so that outliers pull less. */
import { checkOp, collabLearner, openGpu, plantedData, wgsl, type LossOp } from '../src/node.js';

const huber = (delta: number): LossOp => ({
  name: `huber(${delta})`, // tells variants apart
  wgsl: wgsl`
fn loss(yHat: f32, y: f32) -> f32 {
  let e = abs(yHat - y);
  return select(f32(${delta}) * (2.0 * e - f32(${delta})), e * e, e < f32(${delta}));
}
fn lossGrad(yHat: f32, y: f32) -> f32 { return 2.0 * clamp(yHat - y, -f32(${delta}), f32(${delta})); }
`,
  value: (yHat, y) => { const e = Math.abs(yHat - y); return e < delta ? e * e : delta * (2 * e - delta); },
  grad: (yHat, y) => 2 * Math.min(Math.max(yHat - y, -delta), delta),
});

const { gpu } = await openGpu();
await checkOp(gpu, huber(1)); // WGSL = TypeScript, gradient = slope
const learn = await collabLearner(plantedData(), { gpu, loss: huber(1), nFactors: 8, yRange: [0, 5.5] });
await learn.fitOneCycle(3, 5e-3);
console.log(await learn.validate());
gpu.destroy();
