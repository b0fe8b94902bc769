/** The training ratings and the pairs held out for validation, by table row, as tensors; model-file.ts has their names and shapes. */
import type { ModelInfo, Pairs } from '../answer/trained-model.js';
import type { Tensor } from '../base/safetensors.js';
import type { ModelShape } from '../model/layout.js';
import type { Refuse } from './id-tensors.js';

type Tensors = Readonly<Record<string, Tensor>>;

/**
 * Training ratings and held-out pairs, of a model that has them.
 * @param k number of their file where there are several
 */
export function ratedTensors({ train, valid }: Pick<ModelInfo, 'train' | 'valid'>, k?: number): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = {};
  if (train) {
    const nTrain = [train.ratings.length];
    tensors['trainUsers'] = { dtype: 'U32', shape: nTrain, data: train.users };
    tensors['trainItems'] = { dtype: 'U32', shape: nTrain, data: train.items };
    tensors['trainRatings'] = { dtype: 'F32', shape: nTrain, data: train.ratings };
  }
  if (valid) {
    const nValid = [valid.users.length];
    tensors['validUsers'] = { dtype: 'U32', shape: nValid, data: valid.users };
    tensors['validItems'] = { dtype: 'U32', shape: nValid, data: valid.items };
  }
  if (k === undefined) return tensors;
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${name}.${numbered(k)}`, tensor]));
}

/** The inverse of `ratedTensors`, checked. */
export function readRated(
  tensors: Tensors,
  { nUsers, nItems }: Pick<ModelShape, 'nUsers' | 'nItems'>,
  refuse: Refuse,
): Pick<ModelInfo, 'train' | 'valid'> {
  const { trainUsers, trainItems, trainRatings } = readLists(
    tensors,
    { trainUsers: 'U32', trainItems: 'U32', trainRatings: 'F32' },
    refuse,
  );
  const { validUsers, validItems } = readLists(tensors, { validUsers: 'U32', validItems: 'U32' }, refuse);
  for (const [name, rows] of Object.entries({ trainUsers, validUsers })) checkRows(rows, name, nUsers, refuse);
  for (const [name, rows] of Object.entries({ trainItems, validItems })) checkRows(rows, name, nItems, refuse);
  if (trainRatings && !allFinite(trainRatings)) refuse('trainRatings holds values that are not finite numbers');
  return {
    train: trainUsers && { users: trainUsers, items: trainItems!, ratings: trainRatings! },
    valid: validUsers && { users: validUsers, items: validItems! },
  };
}

/** Ratings of several files, one after the other: each file has training ratings, or none has; and likewise held-out pairs. */
export function joinRated(parts: readonly Pick<ModelInfo, 'train' | 'valid'>[], refuse: Refuse): Pick<ModelInfo, 'train' | 'valid'> {
  if (parts.length < 2) return parts[0] ?? {};
  const every = <T>(lists: (T | undefined)[]): T[] | undefined => {
    const found = lists.filter((list) => list !== undefined);
    if (found.length > 0 && found.length < lists.length) refuse('some of its files have ratings that others lack');
    return found.length > 0 ? found : undefined;
  };
  const train = every(parts.map((part) => part.train));
  const valid = every(parts.map((part) => part.valid));
  const rows = (lists: readonly Uint32Array[]) => joined(lists, (n) => new Uint32Array(n));
  const pairs = (lists: readonly Pairs[]) => ({
    users: rows(lists.map(({ users }) => users)),
    items: rows(lists.map(({ items }) => items)),
  });
  return {
    train: train && {
      ...pairs(train),
      ratings: joined(
        train.map(({ ratings }) => ratings),
        (n) => new Float32Array(n),
      ),
    },
    valid: valid && pairs(valid),
  };
}

function joined<T extends Uint32Array | Float32Array>(lists: readonly T[], make: (length: number) => T): T {
  const all = make(lists.reduce((sum, { length }) => sum + length, 0));
  lists.reduce((at, list) => (all.set(list, at), at + list.length), 0);
  return all;
}

interface Lists {
  U32: Uint32Array;
  F32: Float32Array;
}

/** Lists of one length by name, either all of them or none. */
function readLists<D extends Record<string, keyof Lists>>(tensors: Tensors, dtypes: D, refuse: Refuse) {
  const names = Object.keys(dtypes);
  const found = names.flatMap((name) => tensors[name] ?? []);
  const all = inWords(names);
  const isPair = names.length === 2;
  if (found.length > 0 && found.length < names.length) refuse(`of ${all} ${isPair ? 'one is' : 'some are'} missing`);
  if (found.some(({ dtype }, k) => dtype !== dtypes[names[k]])) {
    refuse(`${all} are ${inWords(found.map(({ dtype }) => dtype))}, not ${inWords(Object.values(dtypes))}`);
  }
  if (found.some(({ shape }) => shape.length !== 1 || shape[0] !== found[0].shape[0])) {
    const shapes = found.map(({ shape }) => `[${shape}]`).join(isPair ? ' and ' : ', ');
    refuse(`${all} have the shapes ${shapes}, not one and the same length`);
  }
  return Object.fromEntries(found.map(({ data }, k) => [names[k], data])) as { [K in keyof D]?: Lists[D[K]] };
}

/** `a, b and c`. */
function inWords(words: readonly string[]): string {
  return [words.slice(0, -1).join(', '), words.at(-1)].join(' and ');
}

/** What was rated are rows that have an id: not `#na#`. */
function checkRows(rows: Uint32Array | undefined, name: string, end: number, refuse: Refuse): void {
  if (rows === undefined) return;
  for (let k = 0; k < rows.length; k++) {
    if (rows[k] === 0 || rows[k] >= end) refuse(`${name}[${k}] is ${rows[k]}, but table rows with an id are 1 to ${end - 1}`);
  }
}

/** A loop: `every` is several times slower on many million values. */
function allFinite(values: Tensor['data']): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}

/** The number of a file, as the names of its tensors end. */
export const numbered = (k: number): string => String(k).padStart(5, '0');
