/** Twin of shaders/ops/score.ts: the raw score of two rows, given the index of each row's first vec4. */
export function scoreRows(param: Float64Array, user: number, item: number, factorVecs: number, bias: boolean): number {
  const [u, i, n] = [4 * user, 4 * item, 4 * factorVecs];
  let z = bias ? param[u + n] + param[i + n] : 0;
  for (let f = 0; f < n; f++) z += param[u + f] * param[i + f];
  return z;
}
