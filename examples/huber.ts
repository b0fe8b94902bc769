/** A loss of your own: squared error near the rating, absolute error beyond `delta`, so that outliers pull less. */
import { checkOp, CollabData, collabLearner, f32, type LossOp, openGpu, plantedRatings, wgsl } from '../src/node.js';

const huber = (delta: number): LossOp => ({
  name: `huber(${delta})`, // tells variants apart
  wgsl: wgsl`
const DELTA = ${f32(delta)};
fn loss(yHat: f32, y: f32) -> f32 { let e = abs(yHat - y); return select(DELTA * (2.0 * e - DELTA), e * e, e < DELTA); }
fn lossGrad(yHat: f32, y: f32) -> f32 { return 2.0 * clamp(yHat - y, -DELTA, DELTA); }
`,
  value: (yHat, y) => {
    const e = Math.abs(yHat - y);
    return e < delta ? e * e : delta * (2 * e - delta);
  },
  grad: (yHat, y) => 2 * Math.min(Math.max(yHat - y, -delta), delta),
});

const { gpu } = await openGpu();
await checkOp(gpu, huber(1)); // WGSL = TypeScript, gradient = slope
const data = CollabData.fromArrays(plantedRatings({ nUsers: 100, nItems: 200, nRatings: 4000 }).columns);
const learn = await collabLearner(data, { gpu, loss: huber(1), nFactors: 8, yRange: [0, 5.5] });
await learn.fitOneCycle(3, 0.01);
console.log(await learn.validate());
gpu.destroy();
