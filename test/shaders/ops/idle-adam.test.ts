import { test } from 'uvu';
import { idleAdam, stepStruct } from '../../../shaders/ops/idle-adam.js';
import { defineKernel } from '../../../src/gpu/kernel.js';
import { wgsl } from '../../../src/gpu/wgsl.js';
import { idlePoles, idleQ, N_POLES } from '../../../shaders/ops/idle-adam-poles.js';
import { oneCycle } from '../../../src/schedule/schedule.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertClose } from '../../helpers/training.js';

const gpu = await sharedGpu();

const kernel = defineKernel({
  name: 'idleQ',
  workgroupSize: 1,
  buffers: { poles: 'read array<Poles>', s: 'read array<vec4f>', q: 'read_write array<vec4f>' },
  code: (declarations) => wgsl`${declarations}${stepStruct}${idleAdam}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main() { q[0] = idleQ(poles[0], s[0]); }
`,
});

for (const eps of [1e-8, 1e-5]) {
  test(`idleQ is its twin: eps ${eps}`, async () => {
    const poles = idlePoles(oneCycle({ totalSteps: 400, lrMax: 0.01 }), { wd: 0.1, beta2: 0.99, eps, stepCount: 0 });
    const pipeline = await gpu.compile(kernel);
    for (const t of [100, 250, 390, 399]) {
      const at = t * N_POLES;
      for (const s of [
        [1, 0.1, 1e-2, 1e-3],
        [1e-4, 1e-5, 1e-6, 3],
      ]) {
        const buffers = {
          poles: gpu.upload(
            'poles',
            Float32Array.of(...poles.weights.subarray(at, at + N_POLES), 0, ...poles.shifts.subarray(at, at + N_POLES), 0),
          ),
          s: gpu.upload('s', Float32Array.from(s)),
          q: gpu.allocate('q', 16),
        };
        gpu.record().dispatchGroups(pipeline.bind(buffers), 1).submit();
        assertClose(
          await gpu.readFloats(buffers.q),
          s.map((each) => idleQ(poles, t, each)),
          5e-6,
          `Q of step ${t}`,
          0,
        );
        gpu.release(...Object.values(buffers));
      }
    }
  });
}

test.run();
