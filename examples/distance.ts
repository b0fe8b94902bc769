/** A score of your own: users like the items that are near them. z is minus the squared distance, plus the biases. */
import { checkOp, CollabData, collabLearner, plantedRatings, type ScoreOp, wgsl } from '../src/node.js';

const nearness: ScoreOp = {
  name: 'nearness',
  wgsl: wgsl`
fn scoreSum(user: vec4f, item: vec4f) -> f32 { let d = user - item; return -dot(d, d); }
fn scoreValue(sum: f32) -> f32 { return sum; }
fn scoreUserGrad(user: vec4f, item: vec4f, sum: f32) -> vec4f { return 2.0 * (item - user); }
fn scoreItemGrad(user: vec4f, item: vec4f, sum: f32) -> vec4f { return 2.0 * (user - item); }
`,
  value: (user, item) => -Array.from(user, (u, f) => (u - item[f]!) ** 2).reduce((sum, d) => sum + d, 0),
  grad: (user, item) => [Array.from(user, (u, f) => 2 * (item[f]! - u)), Array.from(user, (u, f) => 2 * (u - item[f]!))],
};

const data = CollabData.fromArrays(plantedRatings({ nUsers: 100, nItems: 200, nRatings: 4000 }).columns);
const learn = await collabLearner(data, { score: nearness, nFactors: 8, yRange: [0, 5.5] });
await checkOp(learn.gpu, nearness);
await learn.fitOneCycle(3, 0.01);
console.log(await learn.validate(), await learn.recommend(5, 3));
learn.release();
