/** The Vulkan loader (`libvulkan.so.1`) that Dawn opens on Linux, and what decides which drivers it offers. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { basename, join } from 'node:path';
import { dlopen } from './libc.js';

const choosing = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES', 'VK_ADD_DRIVER_FILES', 'VK_LOADER_DRIVERS_SELECT', 'VK_LOADER_DRIVERS_DISABLE'];

/** The variables, set by the user, that decide which Vulkan drivers there are, as `NAME=value`. */
export function chosenDrivers(env: NodeJS.ProcessEnv = process.env): string[] {
  return choosing.filter((name) => env[name]).map((name) => `${name}=${env[name]}`);
}

/**
 * Loads a shared library for good, so that native code that opens it by name (`libvulkan.so.1`) gets this one. Node's
 * `process.dlopen` throws on all that is no addon, but only after loading it: whether it did is the system's to say.
 *
 * @returns whether it is loaded.
 */
export function loadLibrary(path: string): boolean {
  const keepLoaded = 0x1000; // glibc's RTLD_NODELETE, which Node does not name
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
  const flags = RTLD_NOW | RTLD_GLOBAL | keepLoaded;
  const loaded = dlopen(path, flags);
  if (loaded !== undefined) return loaded;
  try {
    process.dlopen({ exports: {} }, path, flags);
  } catch {
    // Nothing of Node's words about it is relied on.
  }
  return isLoaded(basename(path));
}

/** Whether a library of that file name, or of a longer version number, is among those of this process (Linux). */
function isLoaded(name: string): boolean {
  const files = readFileSync('/proc/self/maps', 'utf8').matchAll(/\/([^/\n]+)$/gm);
  return Array.from(files, ([, file]) => file).some((file) => file === name || file.startsWith(`${name}.`));
}

/** Whether a Vulkan driver's manifest lies in one of the folders where loaders look. */
export function systemHasDrivers(env: NodeJS.ProcessEnv = process.env): boolean {
  const home = env['HOME'] ?? '/';
  const roots = [
    env['XDG_CONFIG_HOME'] || join(home, '.config'),
    env['XDG_CONFIG_DIRS'] || '/etc/xdg',
    '/etc',
    env['XDG_DATA_HOME'] || join(home, '.local/share'),
    env['XDG_DATA_DIRS'] || '/usr/local/share:/usr/share',
  ];
  return roots
    .flatMap((list) => list.split(':'))
    .map((root) => join(root, 'vulkan/icd.d'))
    .some((folder) => existsSync(folder) && readdirSync(folder).some((file) => file.endsWith('.json')));
}
