/** Questions that each trained model is asked anew. */
import { effect } from '@preact/signals';
import { model } from './state.js';

/** Asks after each training. What comes when there is another model, an answer or an error, is dropped. */
export function afterTraining<T>(ask: () => Promise<T>, take: (answer: T) => void, fail: (error: unknown) => void): void {
  effect(() => {
    const of = model.value;
    if (of === 0) return;
    const ifCurrent =
      <X>(then: (x: X) => void) =>
      (x: X) => {
        if (of === model.peek()) then(x);
      };
    void ask().then(ifCurrent(take), ifCurrent(fail));
  });
}
