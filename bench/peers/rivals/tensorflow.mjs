/**
 * TensorFlow.js, variant webgpu or wasm, with as few operations as it takes: one table of users and items, so that Adam is
 * one chain; the gradient by hand, by a scatter-add; no autograd. A row is [factors, bias, 1] for users and [factors, 1,
 * bias] for items, so that a score is one dot product; `free` is 0 where the table holds the constant 1.
 */
import { batchOf, main, rateOf } from './harness.mjs';
import { provideWebGpu } from './webgpu.mjs';

await main(async (work, variant, adapter) => {
  const device = variant === 'webgpu' ? await provideWebGpu(adapter) : 'wasm';
  const tf = await import('@tensorflow/tfjs-core');
  if (variant === 'webgpu') await import('@tensorflow/tfjs-backend-webgpu');
  else await import('@tensorflow/tfjs-backend-wasm');
  if (!(await tf.setBackend(variant))) throw new Error(`TensorFlow.js has no backend '${variant}' here`);
  await tf.ready();

  const { nUsers, nItems, nFactors, batchSize, wd, beta2, eps, yRange: [lo, hi], initial } = work;
  const nRows = nUsers + nItems;
  const stride = nFactors + 2;
  const table = new Float32Array(nRows * stride);
  const mask = new Float32Array(nRows * stride).fill(1);
  for (let row = 0; row < nRows; row++) {
    const bias = row < nUsers ? nFactors : nFactors + 1;
    const one = row < nUsers ? nFactors + 1 : nFactors;
    for (let f = 0; f < nFactors; f++) table[row * stride + f] = initial[row * (nFactors + 1) + f];
    table[row * stride + bias] = initial[row * (nFactors + 1) + nFactors];
    table[row * stride + one] = 1;
    mask[row * stride + one] = 0;
  }
  const free = tf.tensor2d(mask, [nRows, stride]);
  const batch = { users: new Int32Array(batchSize), items: new Int32Array(batchSize), y: new Float32Array(batchSize) };
  let state = [];
  let errors = [];

  // Sums of the rows of one index. Which is faster depends on the adapter; wasm has only the second.
  const unsortedSegmentSum = (rows, index) => tf.unsortedSegmentSum(rows, index, nRows);
  const scatterND = (rows, index) => tf.scatterND(tf.expandDims(index, 1), rows, [nRows, stride]);
  let sumRows = scatterND;

  function step(k) {
    batchOf(work, k, batch);
    const { lr, beta1, stepSize, vScale } = rateOf(work, k);
    const next = tf.tidy(() => {
      const [p, m, v] = state;
      const users = tf.tensor1d(batch.users, 'int32');
      const items = tf.tensor1d(batch.items, 'int32');
      const u = tf.gather(p, users);
      const i = tf.gather(p, items);
      const s = tf.sigmoid(tf.sum(tf.mul(u, i), 1, true));
      const e = tf.sub(tf.mul(s, hi - lo), tf.tensor2d(batch.y.map((y) => y - lo), [batchSize, 1]));
      const dz = tf.mul(tf.mul(e, tf.sub(s, tf.square(s))), (2 * (hi - lo)) / batchSize);
      const g = sumRows(tf.concat([tf.mul(dz, i), tf.mul(dz, u)]), tf.concat([users, items]));
      const m1 = tf.add(tf.mul(m, beta1), tf.mul(g, 1 - beta1));
      // v is kept divided by 1 - beta2: one operation less
      const v1 = tf.add(tf.mul(v, beta2), tf.square(g));
      const root = vScale * Math.sqrt(1 - beta2);
      const move = tf.div(tf.mul(m1, stepSize / root), tf.add(tf.sqrt(v1), eps / root));
      const p1 = tf.sub(p, tf.mul(tf.add(move, tf.mul(p, lr * wd)), free));
      return [p1, m1, v1, e];
    });
    tf.dispose(state);
    errors.push(next.pop());
    state = next;
  }

  const rival = {
    device: `TensorFlow.js ${tf.version_core}, ${device}`,
    chunk: 8,
    reset() {
      tf.dispose(state);
      state = [tf.tensor2d(table, [nRows, stride]), tf.zeros([nRows, stride]), tf.zeros([nRows, stride])];
    },
    async run(first, steps) {
      for (let s = 0; s < steps; s++) step(first + s);
      const losses = tf.tidy(() => tf.mean(tf.square(tf.reshape(tf.concat(errors), [steps, batchSize])), 1));
      tf.dispose(errors);
      errors = [];
      const values = await losses.data();
      losses.dispose();
      return values;
    },
    async tables() {
      const values = await state[0].data();
      const out = new Float32Array(nRows * (nFactors + 1));
      for (let row = 0; row < nRows; row++) {
        const bias = row < nUsers ? nFactors : nFactors + 1;
        out.set(values.subarray(row * stride, row * stride + nFactors), row * (nFactors + 1));
        out[row * (nFactors + 1) + nFactors] = values[row * stride + bias];
      }
      return out;
    },
  };
  if (variant === 'webgpu') sumRows = await faster(rival, [unsortedSegmentSum, scatterND], (choice) => (sumRows = choice));
  return rival;
});

/** The choice whose steps are faster. */
async function faster(rival, choices, use) {
  let best = { seconds: Infinity };
  for (const choice of choices) {
    use(choice);
    rival.reset();
    await rival.run(0, 2);
    const start = performance.now();
    await rival.run(2, 2);
    const seconds = performance.now() - start;
    if (seconds < best.seconds) best = { choice, seconds };
  }
  return best.choice;
}
