import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject } from '../../base/json.js';
import type { CalibrationStore } from '../../train/options.js';
import { cacheDir } from '../disk/cache.js';
import { writeFileAtomic } from '../disk/files.js';

/**
 * Calibrations kept in `calibration.json` of the cache folder. A file that is missing, damaged or not writable only means
 * that a later run measures again.
 */
export function calibrationFile(path = join(cacheDir(), 'calibration.json')): CalibrationStore {
  const read = async (): Promise<Record<string, unknown>> => {
    const content: unknown = await readFile(path, 'utf8')
      .then(JSON.parse)
      .catch(() => undefined);
    return isObject(content) ? content : {};
  };
  return {
    async get(key) {
      const value = (await read())[key];
      return typeof value === 'string' ? value : undefined;
    },
    async set(key, value) {
      await writeFileAtomic(path, `${JSON.stringify({ ...(await read()), [key]: value }, null, 2)}\n`).catch(() => undefined);
    },
  };
}
