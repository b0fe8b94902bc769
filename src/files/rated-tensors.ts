/** The training ratings and the pairs held out for validation, by table row, as tensors; model-file.ts has their names and shapes. */
import type { ModelInfo } from '../answer/trained-model.js';
import type { Tensor } from '../base/safetensors.js';
import type { ModelShape } from '../model/layout.js';
import type { Refuse } from './id-tensors.js';

type Tensors = Readonly<Record<string, Tensor>>;

/** Training ratings and held-out pairs, of a model that has them. */
export function ratedTensors({ train, valid }: Pick<ModelInfo, 'train' | 'valid'>): Record<string, Tensor> {
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
  return tensors;
}

/** The inverse of `ratedTensors`, checked. */
export function readRated(tensors: Tensors, { nUsers, nItems }: ModelShape, refuse: Refuse): Pick<ModelInfo, 'train' | 'valid'> {
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
