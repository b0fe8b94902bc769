/** A plain loop in JavaScript: hand-written gradient, dense Adam over one typed array. */
import { batchOf, main, rateOf } from './harness.mjs';

await main((work) => {
  const { nUsers, nItems, nFactors, batchSize, wd, beta2, eps, yRange: [lo, hi], initial } = work;
  const stride = nFactors + 1;
  const n = (nUsers + nItems) * stride;
  // V8 computes in float64: with Float32Array every load and store would convert.
  const [p, m, v, g] = [0, 1, 2, 3].map(() => new Float64Array(n));
  const batch = { users: new Uint32Array(batchSize), items: new Uint32Array(batchSize), y: new Float32Array(batchSize) };

  function gradient() {
    const { users, items, y } = batch;
    let loss = 0;
    for (let k = 0; k < batchSize; k++) {
      const u = users[k] * stride;
      const i = items[k] * stride;
      let z = p[u + nFactors] + p[i + nFactors];
      for (let f = 0; f < nFactors; f++) z += p[u + f] * p[i + f];
      const s = 1 / (1 + Math.exp(-z));
      const e = lo + (hi - lo) * s - y[k];
      loss += e * e;
      const dz = ((2 * e) / batchSize) * (hi - lo) * s * (1 - s);
      for (let f = 0; f < nFactors; f++) {
        g[u + f] += dz * p[i + f];
        g[i + f] += dz * p[u + f];
      }
      g[u + nFactors] += dz;
      g[i + nFactors] += dz;
    }
    return loss / batchSize;
  }

  function adam({ lr, beta1, stepSize, vScale }) {
    const decay = 1 - lr * wd;
    const a = 1 - beta1;
    const b = 1 - beta2;
    for (let i = 0; i < n; i++) {
      const gi = g[i];
      const mi = beta1 * m[i] + a * gi;
      const vi = beta2 * v[i] + b * gi * gi;
      m[i] = mi;
      v[i] = vi;
      p[i] = decay * p[i] - (stepSize * mi) / (Math.sqrt(vi) * vScale + eps);
      g[i] = 0;
    }
  }

  return {
    device: 'V8, one thread',
    chunk: 16,
    reset() {
      p.set(initial);
      for (const array of [m, v, g]) array.fill(0);
    },
    run(first, steps) {
      return Array.from({ length: steps }, (_, s) => {
        batchOf(work, first + s, batch);
        const loss = gradient();
        adam(rateOf(work, first + s));
        return loss;
      });
    },
    tables: () => Float32Array.from(p),
  };
});
