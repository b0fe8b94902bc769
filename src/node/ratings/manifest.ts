/** What a folder of prepared ratings says of itself: `manifest.json`, which may be of anybody. */
import { isShare, isWhole } from '../../base/check.js';
import { FileFormatError } from '../../base/errors.js';
import { isObject, parseJson } from '../../base/json.js';
import { type DuplicateChoice, DUPLICATES } from '../../data/duplicates.js';

export const MANIFEST_FILE = 'manifest.json';
export const FORMAT = 'dotbias prepared ratings';
const FORMAT_VERSION = 1;
/** The most strata: each has as many files of training ratings and of validation ratings. */
export const MAX_STRATA = 64;
/** Ratings are numbered in 31 bits, as a permutation of them is. */
export const MAX_RATINGS = 2 ** 31;

/** Users or items. */
export interface PreparedSide {
  /** Whether ids are whole numbers or texts. */
  ids: 'number' | 'text';
  /** Rows of each block, [strata]; row 0, `#na#`, is in one of them. */
  blocks: readonly number[];
  /** Fingerprints of the ids of each block, [strata]. */
  fingerprints: readonly string[];
}

/** Training ratings or validation ratings. */
export interface PreparedPart {
  /** Ratings of user block u and item block i, at [u * strata + i]. */
  blocks: readonly number[];
  /** Their fingerprints, of user places, item places and ratings. */
  fingerprints: readonly string[];
  /** The lowest and the highest rating; undefined if there are none. */
  range?: readonly [min: number, max: number] | undefined;
}

/** What prepared ratings are. */
export interface PreparedManifest {
  /** Version of dotbias that made them. */
  version: string;
  /** The subfolder that has the files. */
  folder: string;
  /** Name of the data in messages and tables. */
  name: string;
  /** Number of blocks of users, and of items. */
  strata: number;
  /** Seed and share of the split into training and validation. */
  seed: number;
  validPct: number;
  /** What was done with pairs of user and item that were rated more than once, and how many there were. */
  duplicates: { choice: DuplicateChoice; pairs: number; surplus: number };
  /** Whether ratings have times. */
  hasTimes: boolean;
  /** Whether items have titles. */
  hasTitles: boolean;
  /** Rows of the data before some were left out as duplicates: the places of ratings in the order of the data are below. */
  nRows: number;
  users: PreparedSide;
  items: PreparedSide;
  train: PreparedPart;
  valid: PreparedPart;
  /** Validation ratings of users, and of items, that training does not know: they are row 0. */
  unknown: { users: number; items: number };
  /** Of all ids and ratings: the same for the same data, split and strata. */
  fingerprint: string;
}

/** Sum of some counts. */
export const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

export function writeManifest(manifest: PreparedManifest): string {
  return `${JSON.stringify({ format: FORMAT, formatVersion: FORMAT_VERSION, ...manifest }, null, 1)}\n`;
}

/** @throws FileFormatError for what is no manifest, or one that contradicts itself; its message is a sentence without a file */
export function readManifest(text: string): PreparedManifest {
  let value: unknown;
  try {
    value = parseJson(text, { maxDepth: 4, maxValues: 6 * MAX_STRATA ** 2 });
  } catch (cause) {
    throw new FileFormatError(`This ${(cause as Error).message}.`, { cause });
  }
  if (!isObject(value) || value['format'] !== FORMAT) throw new FileFormatError('This is no manifest of prepared ratings.');
  const { format: _, formatVersion, ...manifest } = value as unknown as PreparedManifest & { format: string; formatVersion: unknown };
  if (formatVersion !== FORMAT_VERSION) {
    throw new FileFormatError(
      `Its format is ${String(formatVersion)}, and this version reads ${FORMAT_VERSION}: prepare the ratings again.`,
    );
  }
  const wrong = wrongField(manifest);
  if (wrong !== undefined) throw new FileFormatError(`Its '${wrong}' makes no sense: the file is damaged; prepare the ratings again.`);
  return manifest;
}

/** The first field that cannot be; undefined if all can. */
function wrongField(manifest: PreparedManifest): string | undefined {
  const { strata, train, valid, unknown, duplicates, nRows } = manifest;
  if (!isWhole(strata, 1, MAX_STRATA)) return 'strata';
  const isCounts = (counts: unknown, length: number, most: number) =>
    Array.isArray(counts) && counts.length === length && counts.every((count) => isWhole(count, 0, most)) && total(counts) <= most;
  const isPrints = (prints: unknown, length: number) =>
    Array.isArray(prints) && prints.length === length && prints.every((print) => typeof print === 'string' && /^[0-9a-f]{16}$/.test(print));
  const isSide = (side: unknown): boolean =>
    isObject(side) &&
    (side['ids'] === 'number' || side['ids'] === 'text') &&
    isCounts(side['blocks'], strata, 2 ** 32 - 1) &&
    total(side['blocks'] as number[]) > 1 &&
    isPrints(side['fingerprints'], strata);
  const isPart = (part: unknown): boolean =>
    isObject(part) &&
    isCounts(part['blocks'], strata ** 2, MAX_RATINGS) &&
    isPrints(part['fingerprints'], strata ** 2) &&
    (total(part['blocks'] as number[]) === 0 ? part['range'] === undefined : isExtremes(part['range']));
  const checks: Record<string, boolean> = {
    version: typeof manifest.version === 'string',
    // No way out of the folder.
    folder: typeof manifest.folder === 'string' && DATA_FOLDER.test(manifest.folder),
    name: typeof manifest.name === 'string',
    seed: isWhole(manifest.seed, 0, 2 ** 32 - 1),
    validPct: isShare(manifest.validPct),
    duplicates:
      isObject(duplicates) &&
      DUPLICATES.includes(duplicates.choice) &&
      isWhole(duplicates.pairs, 0, MAX_RATINGS) &&
      isWhole(duplicates.surplus, 0, MAX_RATINGS),
    hasTimes: typeof manifest.hasTimes === 'boolean',
    hasTitles: typeof manifest.hasTitles === 'boolean',
    users: isSide(manifest.users),
    items: isSide(manifest.items),
    train: isPart(train) && total(train.blocks) > 0,
    valid: isPart(valid),
    unknown: isPart(valid) && isObject(unknown) && [unknown.users, unknown.items].every((n) => isWhole(n, 0, total(valid.blocks))),
    nRows: isWhole(nRows, 1, MAX_RATINGS),
    fingerprint: typeof manifest.fingerprint === 'string' && /^[0-9a-f]{16}$/.test(manifest.fingerprint),
  };
  const wrong = Object.keys(checks).find((name) => !checks[name]);
  if (wrong !== undefined) return wrong;
  return total(train.blocks) + total(valid.blocks) <= nRows ? undefined : 'nRows';
}

/** The name of a folder of files: another one each time, so that old files stay until the new ones are complete. */
export const DATA_FOLDER = /^data-[0-9a-f]{16}$/;

function isExtremes(range: unknown): boolean {
  return Array.isArray(range) && range.length === 2 && range.every(Number.isFinite) && range[0] <= range[1];
}

/** Names of the files of prepared ratings. */
export const preparedFiles = {
  users: 'users.parquet',
  items: 'items.parquet',
  ratings: (userBlock: number, itemBlock: number, part: 'train' | 'valid') => `ub=${userBlock}/ib=${itemBlock}/${part}.parquet`,
};
