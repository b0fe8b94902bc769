/**
 * jax-js, variant webgpu or wasm. The whole step is one `jit`. The table of users and items has the bias as last column;
 * jax-js has no scatter inside `jit`, so the rows' gradient is a matrix product with the one-hot matrix of the batch.
 */
import { batchOf, main, rateOf } from './harness.mjs';
import { provideWebGpu } from './webgpu.mjs';

await main(async (work, variant, adapter) => {
  const device = variant === 'webgpu' ? await provideWebGpu(adapter) : 'wasm';
  const { init, defaultDevice, jit, nn, numpy: np, blockUntilReady } = await import('@jax-js/jax');
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

  // rates: [mom, 1 - mom, decay, stepSize, vScale]
  const step = jit((p, m, v, users, items, y, rates, bias, factors) => {
    const rate = (i) => rates.ref.slice(i);
    const u = np.take(p.ref, users.ref, 0);
    const i = np.take(p.ref, items.ref, 0);
    // the bias column of one side meets 1, not the other's bias
    const uOne = u.ref.mul(factors.ref).add(bias.ref);
    const iOne = i.ref.mul(factors).add(bias.ref);
    const z = u.ref.mul(iOne.ref).sum(1).add(i.mul(bias).sum(1));
    u.dispose();
    const s = nn.sigmoid(z);
    const e = s.ref.mul(hi - lo).add(lo).sub(y);
    const dz = e.ref.mul(s.ref).mul(np.array(1).sub(s)).mul((2 * (hi - lo)) / batchSize).reshape([batchSize, 1]);
    const g = np.matmul(nn.oneHot(users, nRows).transpose(), dz.ref.mul(iOne)).add(np.matmul(nn.oneHot(items, nRows).transpose(), dz.mul(uOne)));
    const m1 = m.mul(rate(0)).add(g.ref.mul(rate(1)));
    const v1 = v.mul(beta2).add(np.square(g).mul(1 - beta2));
    const p1 = p.mul(rate(2)).sub(m1.ref.mul(rate(3)).div(np.sqrt(v1.ref).mul(rate(4)).add(eps)));
    rates.dispose();
    return [p1, m1, v1, np.square(e).mean()];
  });

  const batch = { users: new Int32Array(batchSize), items: new Int32Array(batchSize), y: new Float32Array(batchSize) };
  let state = [];
  return {
    device: `jax-js, ${device}`,
    chunk: 16,
    reset() {
      for (const array of state) array.dispose();
      state = [np.array(initial).reshape([nRows, stride]), np.zeros([nRows, stride]), np.zeros([nRows, stride])];
    },
    async run(first, steps) {
      const losses = [];
      for (let k = first; k < first + steps; k++) {
        batchOf(work, k, batch);
        const { lr, mom, stepSize, vScale } = rateOf(work, k);
        const rates = np.array(Float32Array.of(mom, 1 - mom, 1 - lr * wd, stepSize, vScale));
        const [p, m, v, loss] = step(...state, np.array(batch.users.slice()), np.array(batch.items.slice()), np.array(batch.y.slice()), rates, biasColumn.ref, factorColumns.ref);
        state = [p, m, v];
        losses.push(loss);
      }
      await blockUntilReady(losses);
      return Promise.all(losses.map(async (loss) => (await loss.data())[0]));
    },
    tables: () => state[0].ref.data(),
  };
});
