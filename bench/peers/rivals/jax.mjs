/**
 * jax-js, variant webgpu or wasm. The whole step is one `jit`: value and gradient of the loss (the gradient of `take` is a
 * scatter-add) and dense Adam. The table of users and items has the bias as last column.
 */
import { availableParallelism } from 'node:os';
import { batchOf, main, rateOf } from './harness.mjs';
import { provideWebGpu } from './webgpu.mjs';

await main(async (work, variant, adapter) => {
  // Its wasm threads are as many as a browser would say there are cores.
  globalThis.navigator ??= { hardwareConcurrency: availableParallelism() };
  const device = variant === 'webgpu' ? await provideWebGpu(adapter) : 'wasm';
  const { init, defaultDevice, jit, nn, numpy: np, valueAndGrad } = await import('@jax-js/jax');
  const found = await init(variant);
  if (!found.includes(variant)) throw new Error(`jax-js has no device '${variant}' here`);
  defaultDevice(variant);

  const { nUsers, nItems, nFactors, batchSize, wd, beta2, eps, yRange: [lo, hi], initial } = work;
  const nRows = nUsers + nItems;
  const stride = nFactors + 1;
  const isBias = new Float32Array(stride);
  isBias[nFactors] = 1;
  const biasColumn = np.array(isBias);
  const factorColumns = np.array(isBias.map((x) => 1 - x));

  // Rows are [factors, bias]; a bias meets 1 in the other's row. `pairs`: rows of the users, rows of the items.
  function loss(p, pairs, y, bias, factors) {
    const rows = np.take(p, pairs, 0);
    const u = rows.ref.slice(0);
    const i = rows.slice(1);
    const products = u.ref.mul(i.ref.mul(factors).add(bias.ref)).add(i.mul(bias));
    const e = nn.sigmoid(products.sum(1)).mul(hi - lo).add(lo).sub(y);
    u.dispose();
    return np.square(e).mean();
  }

  // rates: [beta1, 1 - beta1, decay, stepSize, vScale]
  const step = jit((p, m, v, pairs, y, rates, bias, factors) => {
    const rate = (i) => rates.ref.slice(i);
    const [value, g] = valueAndGrad(loss)(p.ref, pairs, y, bias, factors);
    const m1 = m.mul(rate(0)).add(g.ref.mul(rate(1)));
    const v1 = v.mul(beta2).add(np.square(g).mul(1 - beta2));
    const p1 = p.mul(rate(2)).sub(m1.ref.mul(rate(3)).div(np.sqrt(v1.ref).mul(rate(4)).add(eps)));
    rates.dispose();
    return [p1, m1, v1, value];
  });

  const pairs = new Int32Array(2 * batchSize);
  const batch = { users: pairs.subarray(0, batchSize), items: pairs.subarray(batchSize), y: new Float32Array(batchSize) };
  let state = [];
  return {
    device: `jax-js, ${device}`,
    chunk: 8,
    reset() {
      for (const array of state) array.dispose();
      state = [np.array(initial).reshape([nRows, stride]), np.zeros([nRows, stride]), np.zeros([nRows, stride])];
    },
    async run(first, steps) {
      const losses = [];
      for (let k = first; k < first + steps; k++) {
        batchOf(work, k, batch);
        const { lr, beta1, stepSize, vScale } = rateOf(work, k);
        const rates = np.array(Float32Array.of(beta1, 1 - beta1, 1 - lr * wd, stepSize, vScale));
        const rows = np.array(pairs.slice()).reshape([2, batchSize]);
        const y = np.array(batch.y.slice());
        const [p, m, v, value] = step(...state, rows, y, rates, biasColumn.ref, factorColumns.ref);
        state = [p, m, v];
        losses.push(value);
      }
      return np.stack(losses).data();
    },
    tables: () => state[0].ref.data(),
  };
});
