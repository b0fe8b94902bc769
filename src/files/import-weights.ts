/**
 * Weights of fastai's EmbeddingDotBias (fastai 1 and 2, or any PyTorch module with the same names) as a dotbias model.
 *
 *     state dict   u_weight.weight [nUsers, nFactors]   i_weight.weight [nItems, nFactors]
 *                  u_bias.weight [nUsers, 1]   i_bias.weight [nItems, 1]        F32 or F64
 *     class lists  the id of every table row, `#na#` first
 */
import { rangeOf } from '../../shaders/ops/range.js';
import { dotProduct } from '../../shaders/ops/score.js';
import { checkRange } from '../base/check.js';
import { FileFormatError } from '../base/errors.js';
import type { Tensor } from '../base/safetensors.js';
import type { Id, IdMap } from '../data/ids.js';
import { MAX_PARAM } from '../model/layout.js';
import { readIds } from './id-tensors.js';
import type { DecodedModel } from './model-file.js';

/** What a state dict does not say. */
export interface ImportOptions {
  /** Ids of the rows of the user tables, `#na#` first: fastai's class list. Whole numbers written as text become numbers. */
  users: readonly unknown[];
  /** As `users`, of the item tables. */
  items: readonly unknown[];
  /** The range that the model was made with; null for raw scores. */
  yRange: readonly [lo: number, hi: number] | null;
  /** Item titles by item id. */
  titles?: ReadonlyMap<Id, string> | undefined;
}

/**
 * Checks the tensors of a state dict against the class lists and makes a model of them: for `loadModel`, or `writeModel`.
 *
 * @param state tensors by their names in the state dict, as `readSafetensors` gives them; others are ignored
 * @throws FileFormatError if a tensor is missing, of another type or shape, or not finite, or a list is not one of ids or of
 *   another length; RangeError for a yRange that is none
 */
export function importWeights(state: Readonly<Record<string, Tensor>>, { users, items, yRange, titles }: ImportOptions): DecodedModel {
  if (yRange !== null) checkRange('yRange', yRange);
  const tensor = (name: string, nColumns?: number) => readTensor(state, name, nColumns);
  const userTable = tensor('u_weight.weight');
  const itemTable = tensor('i_weight.weight');
  const nFactors = userTable.nColumns;
  if (itemTable.nColumns !== nFactors) {
    refuse(`u_weight.weight has ${nFactors} factors, but i_weight.weight has ${itemTable.nColumns}`);
  }
  const userBias = tensor('u_bias.weight', 1);
  const itemBias = tensor('i_bias.weight', 1);
  const userIds = idsOf(users, 'users', userTable, userBias);
  const itemIds = idsOf(items, 'items', itemTable, itemBias);
  return {
    tables: { userFactors: userTable.values, itemFactors: itemTable.values, userBias: userBias.values, itemBias: itemBias.values },
    shape: { nUsers: userIds.size, nItems: itemIds.size, nFactors, hasBias: true },
    users: userIds,
    items: itemIds,
    score: dotProduct,
    range: rangeOf(yRange),
    training: {},
    ...(titles && { titles }),
  };
}

/** A table of the state dict as float32. */
interface Table {
  name: string;
  nRows: number;
  nColumns: number;
  values: Float32Array<ArrayBuffer>;
}

function readTensor(state: Readonly<Record<string, Tensor>>, name: string, nColumns?: number): Table {
  const tensor = state[name];
  if (tensor === undefined) {
    const names = Object.keys(state);
    const listed = names.length === 0 ? 'no tensors' : names.slice(0, 8).join(', ') + (names.length > 8 ? ', ...' : '');
    return refuse(`the tensor ${name} is missing; the state dict has ${listed}`);
  }
  const { dtype, shape, data } = tensor;
  if (dtype !== 'F32' && dtype !== 'F64') return refuse(`${name} is ${dtype}, not F32 or F64`);
  const wanted = nColumns === 1 ? '[rows, 1]' : '[rows, factors]';
  if (shape.length !== 2 || shape[0] < 1 || shape[1] < 1 || (nColumns !== undefined && shape[1] !== nColumns))
    refuse(`${name} has the shape [${shape}], not ${wanted}`);
  const values = new Float32Array(data);
  const bad = values.findIndex((value) => !(Math.abs(value) <= MAX_PARAM));
  if (bad !== -1)
    refuse(`${name} holds ${data[bad]} in row ${Math.floor(bad / shape[1])}, which is not a finite number up to ${MAX_PARAM}`);
  return { name, nRows: shape[0], nColumns: shape[1], values };
}

function idsOf(list: readonly unknown[], name: 'users' | 'items', ...tables: Table[]): IdMap {
  const ids = readIds(withNumbers(list), `the ${name}`, refuse);
  for (const table of tables) {
    if (table.nRows !== ids.size)
      refuse(`${table.name} has ${table.nRows} rows, but the list of ${name} has ${ids.size} ids ("#na#" included)`);
  }
  return ids;
}

/** fastai 1 lists whole numbers as text: numbers again, if all are. */
function withNumbers(list: readonly unknown[]): readonly unknown[] {
  if (!Array.isArray(list)) return list;
  const [na, ...rest] = list as unknown[];
  const isWhole = (id: unknown) =>
    typeof id === 'string' && String(Number(id)) === id && Number.isSafeInteger(Number(id)) && Number(id) >= 0;
  return rest.every(isWhole) ? [na, ...rest.map(Number)] : list;
}

function refuse(problem: string): never {
  throw new FileFormatError(`The weights cannot be imported: ${problem}.`);
}
