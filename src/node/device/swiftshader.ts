/**
 * SwiftShader, a Vulkan driver that runs on the CPU, and a Vulkan loader for it, out of the optional npm package
 * `@sparticuz/chromium`: an adapter on linux-x64 with nothing installed but npm packages. The libraries are unpacked
 * once into the cache folder.
 */
import { chmod, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import { cacheDir } from '../disk/cache.js';
import { readTar } from './tar.js';

/** What to `npm install`: the newest version that runs on every Node this package supports. */
export const swiftShaderPackage = '@sparticuz/chromium@147.0.0';

const loaderFile = 'libvulkan.so.1';
const manifestFile = 'vk_swiftshader_icd.json';
const wanted = [loaderFile, manifestFile, 'libvk_swiftshader.so'];
const sizesFile = 'sizes.json';

/** Where the package keeps the libraries. */
export interface SwiftShaderArchive {
  /** Path of the brotli-compressed tar file. */
  file: string;
  /** Version of the package, which names the folder in the cache. */
  version: string;
}

/** The unpacked libraries. */
export interface SwiftShaderFiles {
  /** Path of the Vulkan loader, a `libvulkan.so.1`. */
  loader: string;
  /** Path of the driver's manifest, a value for VK_ICD_FILENAMES. */
  manifest: string;
}

/** The archive of the installed package; null if it is not installed or this is not linux-x64. */
export async function findSwiftShader(): Promise<SwiftShaderArchive | null> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return null;
  try {
    const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
    const root = entry.slice(0, entry.lastIndexOf(join('@sparticuz', 'chromium'))) + join('@sparticuz', 'chromium');
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    return { file: join(root, 'bin', 'swiftshader.tar.br'), version };
  } catch {
    return null;
  }
}

/**
 * Unpacks the libraries, unless an earlier run left them whole. Any number of processes may do so at once: each unpacks
 * into a folder of its own and renames it, and those that come second use the first one's. A cache that cannot be
 * written, or that another user made in the system's temporary directory, is replaced by a temporary folder that is
 * removed when the process ends.
 *
 * @param cache The cache folder. Default: `cacheDir()`.
 * @throws Error if the archive is missing or damaged, or neither the cache nor the temporary folder can be written.
 */
export async function unpackSwiftShader(archive: SwiftShaderArchive, cache?: string): Promise<SwiftShaderFiles> {
  const parent = cache ?? cacheDir();
  const folder = join(parent, `swiftshader-${archive.version}`);
  if (!(await isWhole(folder)) || (await isForeign(parent))) {
    const made = temporaries.get(archive.file);
    if (made !== undefined) return made;
    const files = await readArchive(archive.file);
    const fresh = await makeFolder(parent);
    if (fresh === null) return temporary(archive.file, files);
    await publish(await writeFiles(fresh, files), folder);
  }
  return paths(folder);
}

/** Unpacked into a folder that is removed when the process ends, by archive: once is enough for a process. */
const temporaries = new Map<string, SwiftShaderFiles>();

async function temporary(archive: string, files: ReadonlyMap<string, Uint8Array>): Promise<SwiftShaderFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'dotbias-swiftshader-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const unpacked = paths(await writeFiles(folder, files));
  temporaries.set(archive, unpacked);
  return unpacked;
}

function paths(folder: string): SwiftShaderFiles {
  return { loader: join(folder, loaderFile), manifest: join(folder, manifestFile) };
}

async function readArchive(file: string): Promise<Map<string, Uint8Array>> {
  const entries = readTar(await promisify(brotliDecompress)(await readFile(file)));
  const files = new Map<string, Uint8Array>();
  for (const name of wanted) {
    const content = entries.get(name);
    if (content === undefined) throw new Error(`${file} has no ${name}.`);
    files.set(name, content);
  }
  return files;
}

/** A new folder inside `parent`, or null if that cannot be written or is not safe to load code from. */
async function makeFolder(parent: string): Promise<string | null> {
  try {
    await mkdir(parent, { recursive: true });
    if (await isForeign(parent)) return null;
    const folder = await mkdtemp(join(parent, 'swiftshader-new-'));
    await chmod(folder, 0o755); // a cache prepared by root serves other users too
    return folder;
  } catch {
    return null;
  }
}

async function writeFiles(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<string> {
  const sizes = Object.fromEntries(Array.from(files, ([name, content]) => [name, content.length]));
  try {
    for (const [name, content] of files) await writeFile(join(folder, name), content);
    await writeFile(join(folder, sizesFile), JSON.stringify(sizes));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return folder;
}

/** Moves the finished folder `fresh` to `folder`, unless another process was quicker; a damaged one is replaced. */
async function publish(fresh: string, folder: string): Promise<void> {
  const damaged = `${fresh}-damaged`;
  const moveUnlessWhole = () =>
    rename(fresh, folder).then(
      () => true,
      () => isWhole(folder),
    );
  try {
    if (await moveUnlessWhole()) return;
    await rename(folder, damaged).catch(() => {}); // someone else may be at the same repair
    if (!(await moveUnlessWhole())) throw new Error(`${folder} cannot be replaced; delete it.`);
  } finally {
    await rm(damaged, { recursive: true, force: true });
    await rm(fresh, { recursive: true, force: true });
  }
}

/** True if `folder` is in the temporary directory, where anyone can make folders, and was made by someone else. */
async function isForeign(folder: string): Promise<boolean> {
  if (!resolve(folder).startsWith(tmpdir() + sep)) return false;
  const { uid } = await stat(folder);
  return uid !== 0 && uid !== process.getuid?.();
}

/** True if `folder` holds every file in its full size. */
async function isWhole(folder: string): Promise<boolean> {
  try {
    const sizes = JSON.parse(await readFile(join(folder, sizesFile), 'utf8')) as Record<string, number>;
    const stats = await Promise.all(wanted.map((name) => stat(join(folder, name))));
    return stats.every(({ size }, i) => size === sizes[wanted[i]!]);
  } catch {
    return false;
  }
}
