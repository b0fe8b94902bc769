/**
 * THE SPECIFICATION of a window of lazy steps: which rows each step touches, in which copy it reads them, until when they are
 * then idle, and which ratings are theirs. Plain and slow; whatever makes windows, on the host or on the device, is held to it.
 */
import * as assert from 'uvu/assert';
import { Member, RowTouch } from '../../shaders/ops/structs.js';

/** Consecutive steps of an epoch. */
export interface WindowInput {
  /** All training ratings: rows of the user table, rows of the item table, ratings. */
  users: ArrayLike<number>;
  items: ArrayLike<number>;
  ratings: ArrayLike<number>;
  /** The training rows of the window, in the order of the epoch. */
  order: ArrayLike<number>;
  /** Step s takes the places [start[s], start[s + 1]) of `order`; one more than there are steps. A step may be empty. */
  start: ArrayLike<number>;
  nUsers: number;
  /** Rows of both tables: the items come after the users. */
  nRows: number;
}

/** A rating for the owner of a touched row: the row on the other side, the copy to read it in, the rating. */
export interface SpecMember {
  row: number;
  copy: number;
  y: number;
}

/** What a step does with one row. */
export interface SpecTouch {
  /** The copy of the parameters in which the row is read; the other is written. */
  copy: number;
  /** The step of the window that touches the row next, or the number of steps. */
  idleEnd: number;
  /** In the order of their places. */
  members: SpecMember[];
}

export interface WindowSpec {
  input: WindowInput;
  /** The rows that each step touches. */
  steps: Map<number, SpecTouch>[];
  /** Of each row: twice the step of its first touch, or of the window's end, and 1 if it is touched an odd number of times. */
  entries: Uint32Array;
}

/** What a window should be. */
export function windowSpec(input: WindowInput): WindowSpec {
  const { users, items, ratings, order, start, nUsers, nRows } = input;
  const nSteps = start.length - 1;
  const touchedIn: number[][] = Array.from({ length: nRows }, () => []);
  const rowsOf = (place: number) => [users[order[place]], nUsers + items[order[place]]];
  for (let s = 0; s < nSteps; s++) {
    for (let place = start[s]; place < start[s + 1]; place++) {
      for (const row of rowsOf(place)) if (touchedIn[row].at(-1) !== s) touchedIn[row].push(s);
    }
  }
  // A row is in copy 0 at the end, and every touch moves it to the other copy.
  const copyIn = (row: number, s: number) => touchedIn[row].filter((step) => step >= s).length % 2;
  const next = (row: number, s: number) => touchedIn[row].find((step) => step >= s) ?? nSteps;

  const steps = Array.from({ length: nSteps }, (_, s) => {
    const rows = new Map<number, SpecTouch>();
    const copies = new Map<number, number>();
    for (let place = start[s]; place < start[s + 1]; place++) {
      for (const row of rowsOf(place)) if (!copies.has(row)) copies.set(row, copyIn(row, s));
    }
    for (const side of [0, 1]) {
      for (let place = start[s]; place < start[s + 1]; place++) {
        const pair = rowsOf(place);
        const [row, other] = [pair[side], pair[1 - side]];
        if (!rows.has(row)) rows.set(row, { copy: copies.get(row)!, idleEnd: next(row, s + 1), members: [] });
        rows.get(row)!.members.push({ row: other, copy: copies.get(other)!, y: Math.fround(ratings[order[place]]) });
      }
    }
    return rows;
  });
  const entries = Uint32Array.from(touchedIn, (_, row) => 2 * next(row, 0) + copyIn(row, 0));
  return { input, steps, entries };
}

/** A window as kernels get it. */
export interface MadeWindow {
  /** Words of `RowTouch`es. */
  touches: Uint32Array<ArrayBuffer>;
  /** The slots of step s are [firstTouch[s], firstTouch[s + 1]), users first; empty ones may be among them. */
  firstTouch: ArrayLike<number>;
  /** Words of `Member`s: those of the users of a step, then those of its items. */
  members: Uint32Array<ArrayBuffer>;
  entries: Uint32Array;
}

/**
 * Every way in which a window differs from its specification, and how much was compared. The order of the touches of one side of
 * a step is free.
 */
export function compareWindow({ input, steps, entries }: WindowSpec, made: MadeWindow) {
  const { start, nUsers } = input;
  const { touches, firstTouch, members } = made;
  const floats = new Float32Array(members.buffer, members.byteOffset, members.length);
  const found = { rows: 0, members: 0, mismatches: [] as string[] };
  const wrong = (what: string) => found.mismatches.push(what);
  const same = (got: unknown, wanted: unknown, what: () => string) => void (got === wanted || wrong(`${what()} is ${got}, not ${wanted}`));
  steps.forEach((rows, s) => {
    const seen = new Set<number>();
    let items = false;
    for (let t = firstTouch[s]; t < firstTouch[s + 1]; t++) {
      const [place, begin, end, idleEnd] = (['row', 'begin', 'end', 'idleEnd'] as const).map(
        (field) => touches[RowTouch.size * t + RowTouch.at[field]],
      );
      if (begin === end) {
        if (place !== 0 || begin !== 0 || idleEnd !== 0) wrong(`step ${s}: slot ${t} is neither a touch nor all zeros`);
        continue;
      }
      const row = place >>> 1;
      const at = `step ${s}, row ${row}`;
      const touch = rows.get(row);
      if (touch === undefined || seen.has(row)) {
        wrong(`${at}: ${touch === undefined ? 'is not touched' : 'comes twice'}`);
        continue;
      }
      seen.add(row);
      found.rows++;
      if (items && row < nUsers) wrong(`${at}: a user after an item`);
      items ||= row >= nUsers;
      same(place & 1, touch.copy, () => `${at}: copy`);
      same(idleEnd, touch.idleEnd, () => `${at}: idleEnd`);
      same(end - begin, touch.members.length, () => `${at}: number of members`);
      const from = 2 * start[s] + (row < nUsers ? 0 : start[s + 1] - start[s]);
      if (begin < from || end > from + start[s + 1] - start[s]) wrong(`${at}: members [${begin}, ${end}) lie outside of the side's`);
      touch.members.forEach((member, i) => {
        found.members++;
        const word = Member.size * (begin + i);
        same(members[word + Member.at.row], 2 * member.row + member.copy, () => `${at}: row of member ${i}`);
        same(floats[word + Member.at.y], member.y, () => `${at}: rating of member ${i}`);
      });
    }
    for (const row of rows.keys()) if (!seen.has(row)) wrong(`step ${s}, row ${row}: has no touch`);
  });
  entries.forEach((entry, row) => same(made.entries[row], entry, () => `entry of row ${row}`));
  return found;
}

/** Asserts that a window is as specified. Returns how many touched rows and members were compared. */
export function assertWindow(spec: WindowSpec, made: MadeWindow): { rows: number; members: number } {
  const { mismatches, ...compared } = compareWindow(spec, made);
  assert.is(mismatches.length, 0, `${mismatches.length} mismatches: ${mismatches.slice(0, 5).join('; ')}`);
  return compared;
}
