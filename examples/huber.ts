/** A loss of your own: squared error near the rating, absolute error beyond `delta`, so that outliers pull less. */
import { checkOp, CollabData, collabLearner, type LossOp, plantedRatings, wgsl } from '../src/node.js';

const huber = (delta: number): LossOp => ({
  name: 'huber',
  uniforms: { delta },
  wgsl: wgsl`
fn loss(yHat: f32, y: f32) -> f32 {
  let e = abs(yHat - y);
  return select(uniforms.delta * (2.0 * e - uniforms.delta), e * e, e < uniforms.delta);
}
fn lossGrad(yHat: f32, y: f32) -> f32 { return 2.0 * clamp(yHat - y, -uniforms.delta, uniforms.delta); }
`,
  value: (yHat, y) => (Math.abs(yHat - y) < delta ? (yHat - y) ** 2 : delta * (2 * Math.abs(yHat - y) - delta)),
  grad: (yHat, y) => 2 * Math.min(Math.max(yHat - y, -delta), delta),
});

const data = CollabData.fromArrays(plantedRatings({ nUsers: 100, nItems: 200, nRatings: 4000 }).columns);
const learn = await collabLearner(data, { loss: huber(1), nFactors: 8, yRange: [0, 5.5] });
await checkOp(learn.gpu, huber(1)); // the WGSL is what the TypeScript says, and the gradient is the slope
await learn.fitOneCycle(3, 0.01);
console.log(await learn.validate());
learn.release();
