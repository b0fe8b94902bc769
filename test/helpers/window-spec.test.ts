import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compareWindow, type MadeWindow, windowSpec } from './window-spec.js';

// Users 0 to 2 are rows 0 to 2, items 0 and 1 are rows 3 and 4. User 2 is never touched; step 1 is empty.
const spec = windowSpec({
  users: [9, 0, 1, 0, 1],
  items: [9, 1, 0, 1, 1],
  ratings: [9, 1, 2, 3, 4],
  order: [1, 2, 3, 4],
  start: [0, 2, 2, 4],
  nUsers: 3,
  nRows: 5,
});

/** The same window, written by hand, with an empty slot. */
function made(): MadeWindow {
  // prettier-ignore
  const touches = Uint32Array.from([
    0, 0, 1, 2,   2, 1, 2, 2,   8, 2, 3, 2,   7, 3, 4, 3,
    1, 4, 5, 3,   0, 0, 0, 0,   3, 5, 6, 3,   9, 6, 8, 3,
  ]);
  const members = new Uint32Array(16);
  const floats = new Float32Array(members.buffer);
  const rows = [8, 7, 0, 2, 9, 9, 1, 3];
  const ratings = [1, 2, 1, 2, 3, 4, 3, 4];
  rows.forEach((row, i) => {
    members[2 * i] = row;
    floats[2 * i + 1] = ratings[i];
  });
  return { touches, firstTouch: [0, 4, 4, 8], members, entries: Uint32Array.from([0, 0, 6, 1, 0]) };
}

test('a window is specified: copies, idle steps, members, and where each row enters', () => {
  assert.equal(compareWindow(spec, made()), { rows: 7, members: 8, mismatches: [] });
});

test('whatever a window has wrong is found', () => {
  const { touches, members, entries } = made();
  const kinds = new Set<string>();
  for (const [name, words] of Object.entries({ touches, members, entries })) {
    for (let i = 0; i < words.length; i++) {
      for (const flip of [1, 2, 1 << 20]) {
        const window = made();
        window[name as keyof typeof window & ('touches' | 'members' | 'entries')][i] ^= flip;
        const { mismatches } = compareWindow(spec, window);
        assert.ok(mismatches.length > 0, `${name}[${i}] ^ ${flip}`);
        for (const each of mismatches) kinds.add(each.replace(/-?\d+(\.\d+)?/g, '#'));
      }
    }
  }
  assert.ok(kinds.size > 8, [...kinds].join('\n'));
});

test.run();
