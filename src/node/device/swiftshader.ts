/**
 * SwiftShader, a Vulkan driver that runs on the CPU, and a Vulkan loader for it, out of the optional npm package
 * `@sparticuz/chromium`: an adapter on linux-x64 with nothing installed but npm packages. The libraries are unpacked
 * once into the cache folder.
 *
 * They become code of this process, so nobody else may have a hand in them. Each archive has a folder named by its SHA-256
 * that its owner alone may enter, with the hashes of the files that were written there; owner, permissions and hashes are
 * checked at every start (20 ms for 3 MB of archive and 15 MB of libraries; to trust sizes and times instead would let
 * damage pass).
 */
import { lstat, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import { cacheDir } from '../disk/cache.js';
import { makeFolder } from '../disk/folders.js';
import { readHashes, sha256, writeHashes } from '../disk/hashes.js';
import { removeAtExit, removeLeftovers, scratchFolder, temporaryPath } from '../disk/leftovers.js';
import { readTar } from './tar.js';

/** What to `npm install`: the newest version that runs on every Node this package supports. */
export const swiftShaderPackage = '@sparticuz/chromium@147.0.0';

/** SHA-256 of the archive of the version that dotbias was tested with. */
const TESTED: Readonly<Record<string, string>> = {
  '147.0.0': 'f957ea867313f9815b71dc2ed30cce301e01db4f3973fbdb31ffa5391b0ec45a',
};

const loaderFile = 'libvulkan.so.1';
const manifestFile = 'vk_swiftshader_icd.json';
const wanted = [loaderFile, manifestFile, 'libvk_swiftshader.so'];

/** Where the package keeps the libraries. */
export interface SwiftShaderArchive {
  /** Path of the brotli-compressed tar file. */
  file: string;
  /** Version of the package. */
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
 * into a folder of its own and renames it, and those that come second use the first one's. What is damaged is replaced.
 * Where the cache cannot be written, or others could change it, a folder in the system's temporary directory, or failing
 * that in memory, serves until the process ends.
 *
 * @param cache The cache folder. Default: `cacheDir()`.
 * @throws Error if the archive is missing, damaged, or of the version that dotbias was tested with and yet another; or if
 *   there is nowhere to unpack it
 */
export async function unpackSwiftShader(archive: SwiftShaderArchive, cache = cacheDir()): Promise<SwiftShaderFiles> {
  const bytes = await readFile(archive.file);
  const key = sha256(bytes);
  const expected = TESTED[archive.version];
  if (expected !== undefined && key !== expected) {
    throw new Error(`${archive.file} is not the file of @sparticuz/chromium ${archive.version}: install the package again`);
  }
  const folder = join(cache, `swiftshader-${key}`);
  if ((await isSafeParent(cache)) && (await isWhole(folder))) {
    await removeLeftovers(cache); // of one that was killed while another published
    return paths(folder);
  }
  const made = temporaries.get(key);
  if (made !== undefined) return made;
  const files = await readArchive(bytes, archive.file);
  if (await publish(files, cache, folder)) return paths(folder);
  temporaries.set(key, temporary(files));
  return temporaries.get(key)!;
}

/** Unpacked for this process alone, by archive. */
const temporaries = new Map<string, Promise<SwiftShaderFiles>>();

async function temporary(files: ReadonlyMap<string, Uint8Array>): Promise<SwiftShaderFiles> {
  let reason: unknown;
  for (const parent of [tmpdir(), '/dev/shm']) {
    try {
      const { path, remove } = await scratchFolder(parent);
      try {
        await writeFiles(path, files);
        return paths(path);
      } catch (error) {
        await remove();
        throw error;
      }
    } catch (error) {
      reason ??= error;
    }
  }
  throw reason;
}

function paths(folder: string): SwiftShaderFiles {
  return { loader: join(folder, loaderFile), manifest: join(folder, manifestFile) };
}

async function readArchive(bytes: Uint8Array, file: string): Promise<Map<string, Uint8Array>> {
  const entries = readTar(await promisify(brotliDecompress)(bytes));
  const files = new Map<string, Uint8Array>();
  for (const name of wanted) {
    const content = entries.get(name);
    if (content === undefined) throw new Error(`${file} has no ${name}.`);
    files.set(name, content);
  }
  return files;
}

async function writeFiles(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const [name, content] of files) await writeFile(join(folder, name), content, { mode: 0o600 });
  await writeHashes(
    folder,
    Array.from(files, ([name, content]) => [name, sha256(content)] as const),
  );
}

/** Writes the files to `folder` of the cache; false if they cannot be there, for whatever reason. */
async function publish(files: ReadonlyMap<string, Uint8Array>, cache: string, folder: string): Promise<boolean> {
  const [fresh, damaged] = [temporaryPath(cache), temporaryPath(cache)];
  const keep = removeAtExit(fresh);
  const moveUnlessWhole = () =>
    rename(fresh, folder).then(
      () => true,
      () => isWhole(folder),
    );
  try {
    await makeFolder(cache, 0o700);
    if (!(await isSafeParent(cache))) return false;
    await removeLeftovers(cache);
    await mkdir(fresh, { mode: 0o700 });
    await writeFiles(fresh, files);
    if (await moveUnlessWhole()) return true;
    await rename(folder, damaged).catch(() => {}); // someone else may be at the same repair
    return await moveUnlessWhole();
  } catch {
    return false;
  } finally {
    for (const each of [fresh, damaged]) await rm(each, { recursive: true, force: true }).catch(() => {});
    keep();
  }
}

/** Whether nobody but this user and root can put another folder in place of one in `folder`. */
async function isSafeParent(folder: string): Promise<boolean> {
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined || (found.uid !== 0 && found.uid !== process.getuid!())) return false;
  const others = found.gid === process.getgid!() ? 0o002 : 0o022; // a user's own group often has no other member
  return (found.mode & others) === 0 || (found.mode & 0o1000) !== 0;
}

/** True if `folder` is this user's alone, and holds every file as it was written. */
async function isWhole(folder: string): Promise<boolean> {
  try {
    const found = await lstat(folder);
    const { mode, uid } = found;
    if (!found.isDirectory() || uid !== process.getuid!() || (mode & 0o077) !== 0) return false;
    const hashes = await readHashes(folder);
    for (const name of wanted) {
      const path = join(folder, name);
      const file = await lstat(path);
      if (!file.isFile() || file.uid !== uid || sha256(await readFile(path)) !== hashes[name]) return false;
    }
    return true;
  } catch {
    return false;
  }
}
