/** A kernel of your own in a stepper of your own: after each step, factors and biases below zero become zero. */
import { CollabData, collabLearner, defineKernel, plantedRatings, type StepperFactory, STEPPERS, wgsl } from '../src/node.js';

const code = (declarations: string) => wgsl`${declarations}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u) { if (id.x < arrayLength(&param)) { param[id.x] = max(param[id.x], 0.0); } }`;
const clamp = defineKernel({ name: 'clamp', workgroupSize: 64, buffers: { param: 'read_write array<f32>' }, code });

const create: StepperFactory['create'] = async (input) => {
  const { gpu, param, layout } = input.tables;
  const dense = await STEPPERS.dense.create(input);
  const binding = (await gpu.compile(clamp)).bind(gpu.scope(), { param }); // without uniforms it allocates nothing
  const clampAll = () => gpu.record().dispatch(binding, layout.nParams).submit();
  return { ...dense, name: 'nonNegative', run: async (...batch) => (await dense.run(...batch), clampAll()) };
};

const data = CollabData.fromArrays(plantedRatings({ nUsers: 100, nItems: 200, nRatings: 4000 }).columns);
const learn = await collabLearner(data, { stepper: { name: 'nonNegative', maxSteps: 1, create }, nFactors: 8, yRange: [0, 5.5] });
await learn.fitOneCycle(3, 0.01);
const { itemFactors } = await learn.tables();
console.log(await learn.validate(), Math.min(...itemFactors));
learn.release();
