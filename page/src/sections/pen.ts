/** How many steps are drawn. Losses arrive many at a time, and are drawn as a pen would, unless the visitor wants no motion. */
import { effect, signal } from '@preact/signals';
import { run, runTick } from '../state.js';

export const drawn = signal(0);

const wantsNoMotion = matchMedia('(prefers-reduced-motion: reduce)');
/** How many steps have come. */
export const arrived = (): number => run.peek()?.losses.length ?? 0;
let frame = 0;

effect(() => {
  void runTick.value;
  if (arrived() < drawn.peek() || wantsNoMotion.matches) drawn.value = arrived();
  if (frame === 0 && drawn.peek() < arrived()) frame = requestAnimationFrame(draw);
});

/** Draws an eighth of what is left to draw, once a frame. */
function draw(): void {
  drawn.value = Math.min(arrived(), drawn.peek() + Math.ceil((arrived() - drawn.peek()) / 8));
  frame = drawn.peek() < arrived() ? requestAnimationFrame(draw) : 0;
}
