/** States are kept this many steps apart. */
const APART = 1024;

/** A recursion that runs backwards over the steps of a schedule. */
export interface Backward {
  /** Calls `use(t)` for the steps from `to - 1` back to `from`, 0 <= from < to <= nSteps + 1, while `state` is that of step t. */
  readonly visit: (from: number, to: number, use: (t: number) => void) => void;
}

/**
 * A recursion from the last step to the first: `state` is given as it is after all nSteps steps, and `back(t)` makes the
 * state of step t of that of step t + 1, in place. It runs once over the whole schedule and keeps every 1,024th state; the
 * states of a window are made again from the next one kept, with the same bits.
 */
export function backward(nSteps: number, state: Float64Array, back: (t: number) => void): Backward {
  const width = state.length;
  const kept = new Float64Array((Math.ceil(nSteps / APART) + 1) * width);
  for (let t = nSteps; ; back(--t)) {
    // The end of the schedule stands as the next multiple of APART.
    if (t % APART === 0 || t === nSteps) kept.set(state, Math.ceil(t / APART) * width);
    if (t === 0) break;
  }
  return {
    visit(from, to, use) {
      const block = Math.ceil((to - 1) / APART);
      state.set(kept.subarray(block * width, (block + 1) * width));
      for (let t = Math.min(nSteps, block * APART); ; back(--t)) {
        if (t < to) use(t);
        if (t === from) break;
      }
    },
  };
}
