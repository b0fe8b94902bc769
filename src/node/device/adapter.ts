/**
 * Finds the WebGPU adapters of this machine and opens one.
 *
 * Order: hardware, then the system's software Vulkan (lavapipe), then the SwiftShader of the optional npm package.
 * SwiftShader gets a Vulkan instance of its own: listed in the same instance as the system's drivers (through
 * VK_ADD_DRIVER_FILES) it came before lavapipe.
 */
import { checkOptions, checkWhole } from '../../base/check.js';
import { NoAdapterError } from '../../base/errors.js';
import { describeAdapter } from '../../gpu/gpu.js';
import { requestAdapter } from './dawn.js';
import { findSwiftShader, type SwiftShaderFiles, unpackSwiftShader } from './swiftshader.js';
import { detectSystem, installAdvice, nvidiaAdvice } from './system-advice.js';
import { isUsersChoice, threadsInUse } from './threads.js';
import { chosenDrivers, loadLibrary, systemHasDrivers } from './vulkan-loader.js';

/** What is known of an adapter. */
export interface AdapterReport {
  /** Short and stable, to ask for it again: `llvmpipe`, `swiftshader`, `nvidia-h100-80gb-hbm3`. */
  name: string;
  /** The driver's own words, with its version. */
  description: string;
  vendor: string;
  architecture: string;
  /** `vulkan`, `metal` or `d3d12`. */
  backend: string;
  /** Dawn tells the processor from real GPUs, but not integrated from discrete ones. */
  type: 'GPU' | 'CPU';
  /** Computes on the CPU. */
  isSoftware: boolean;
  /**
   * Of lavapipe, the threads that it computes on, 0 for the one that takes submissions; undefined where Mesa decides, and of
   * other adapters.
   */
  softwareThreads?: number | undefined;
  subgroupMinSize: number;
  subgroupMaxSize: number;
  features: string[];
  limits: Record<string, number>;
  wgslLanguageFeatures: string[];
}

/** Which adapter to open, and how. */
export interface OpenAdapterOptions {
  /**
   * Which adapter: `hardware`, `software`, `lavapipe`, `swiftshader`, or a part of its name or description, in any
   * case. Default: the best there is.
   */
  name?: string | undefined;
  /**
   * Threads of lavapipe (its LP_NUM_THREADS, 0 to compute on the one that takes submissions) unless that variable is set; see
   * `threadsFor`. Adapters with different numbers can be open in one process. Default: of `openAdapter` as many as Mesa chooses, of
   * `openGpu` 0.
   */
  softwareThreads?: number | undefined;
  /** Dawn's own options, `key=value`, e.g. `disable-dawn-features=timestamp_quantization`. */
  dawnFlags?: readonly string[] | undefined;
  /**
   * Takes two warnings of Dawn's, which mean nothing here, out of stderr where that is a terminal, a pipe or a file that is
   * appended to (Linux). Not for a program with worker threads, which could open files meanwhile. Default false.
   */
  quiet?: boolean | undefined;
}

/** Names of the options. */
export const ADAPTER_OPTIONS: readonly (keyof OpenAdapterOptions)[] = ['name', 'softwareThreads', 'dawnFlags', 'quiet'];

/** An adapter and what was found out about it. */
export interface OpenedAdapter {
  /** Gives one device. For another, `gpu.requestAdapter({ powerPreference: 'high-performance' })` opens the same one again. */
  adapter: GPUAdapter;
  gpu: GPU;
  info: AdapterReport;
  /** Why this one, for people: a phrase. */
  why: string;
}

/**
 * The adapter to compute on. Variables by which the user chose Vulkan drivers (VK_ICD_FILENAMES, VK_DRIVER_FILES,
 * VK_ADD_DRIVER_FILES, VK_LOADER_DRIVERS_SELECT, VK_LOADER_DRIVERS_DISABLE) are obeyed: only what they give is used.
 * Call it on the main thread: a worker's environment variables do not reach the drivers.
 *
 * @throws NoAdapterError if there is none, with what to install; if `name` fits none, with the names of those found.
 */
export async function openAdapter(options: OpenAdapterOptions = {}): Promise<OpenedAdapter> {
  checkOptions('openAdapter', options, ADAPTER_OPTIONS);
  const { name, softwareThreads = 0 } = options;
  checkWhole('softwareThreads', softwareThreads, 0);
  const others: AdapterReport[] = [];
  const notes = new Set<string>();
  for await (const { source, ...found } of candidates(options, notes)) {
    if (name === undefined || fits(found.info, name)) return { ...found, why: reason(found.info, source, name) };
    others.push(found.info);
  }
  const what =
    others.length === 0
      ? 'No WebGPU adapter was found.'
      : `No adapter fits '${name}'; found: ${others.map((other) => other.name).join(', ')}.`;
  throw new NoAdapterError([what, ...notes, remedy(others)].filter(Boolean).join(' '));
}

/** All adapters of this machine, best first; empty if there is none. Of two of the same model only one is listed. */
export async function listAdapters(options: Pick<OpenAdapterOptions, 'quiet'> = {}): Promise<AdapterReport[]> {
  checkOptions('listAdapters', options, ['quiet']);
  const reports: AdapterReport[] = [];
  for await (const { info } of candidates(options, new Set())) reports.push(info);
  return reports;
}

interface Candidate {
  adapter: GPUAdapter;
  gpu: GPU;
  info: AdapterReport;
  /** Where its driver comes from. */
  source: string;
}

/**
 * The adapters in order of preference, each looked for only when the one before was not taken.
 *
 * @param notes Receives why a source of adapters failed.
 */
async function* candidates(options: OpenAdapterOptions, notes: Set<string>): AsyncGenerator<Candidate> {
  const chosen = chosenDrivers().join(' and ');
  const seen = new Set<string>();
  if (await haveLoader(chosen !== '', notes)) {
    const source = chosen === '' ? 'driver of this system' : `drivers chosen by ${chosen}`;
    for await (const found of systemAdapters(options)) {
      if (!seen.has(found.info.name)) yield { ...found, source };
      seen.add(found.info.name);
    }
  }
  if (chosen !== '' || seen.has('swiftshader')) return;
  const swiftShader = await unpacked(notes);
  if (swiftShader === null) return;
  loadLibrary(swiftShader.loader); // Dawn uses the system's instead if that is loaded already: either will do
  const found = await request(options, [], { VK_ICD_FILENAMES: swiftShader.manifest });
  if (found) yield { ...found, source: `SwiftShader of @sparticuz/chromium ${swiftShader.version}` };
}

/** The adapters of the drivers that the Vulkan loader (on other systems, Dawn) finds by itself; some may come twice. */
async function* systemAdapters(options: OpenAdapterOptions): AsyncGenerator<Omit<Candidate, 'source'>> {
  const best = await request(options);
  if (best === null) return;
  yield best;
  for (const name of await adapterNames(options)) {
    if (plain(name) === best.adapter.info.device) continue;
    const other = await request(options, [`adapter=${name}`]);
    if (other) yield other;
  }
}

/** Dawn's best adapter under the given flags and environment. */
async function request(
  { dawnFlags = [], softwareThreads, quiet }: OpenAdapterOptions,
  flags: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<Omit<Candidate, 'source'> | null> {
  const threads: Record<string, string> =
    softwareThreads === undefined || isUsersChoice() ? {} : { LP_NUM_THREADS: String(softwareThreads) };
  const inUse = threadsInUse(softwareThreads);
  const { adapter, gpu } = await requestAdapter([...dawnFlags, ...flags], { ...environment, ...threads }, quiet);
  return adapter && { adapter, gpu, info: report(adapter, gpu, inUse) };
}

/** Whether the system has a loader: found out before the package's is loaded, which has the same name. */
let systemLoader: boolean | undefined;

/**
 * Whether Dawn will find a Vulkan loader. On Linux that is the system's `libvulkan.so.1`; where there are drivers
 * without a loader, as in a container that only the driver was mounted into, the one of the npm package serves.
 */
async function haveLoader(userChoseDrivers: boolean, notes: Set<string>): Promise<boolean> {
  systemLoader ??= process.platform !== 'linux' || loadLibrary('libvulkan.so.1');
  if (systemLoader) return true;
  if (!userChoseDrivers && !systemHasDrivers()) return false;
  const swiftShader = await unpacked(notes);
  return swiftShader !== null && loadLibrary(swiftShader.loader);
}

async function unpacked(notes: Set<string>): Promise<(SwiftShaderFiles & { version: string }) | null> {
  try {
    const archive = await findSwiftShader();
    return archive && { ...(await unpackSwiftShader(archive)), version: archive.version };
  } catch (error) {
    notes.add(`SwiftShader could not be unpacked: ${(error as Error).message}.`);
    return null;
  }
}

function reason(info: AdapterReport, source: string, name: string | undefined): string {
  if (name !== undefined) return `asked for as '${name}'; ${source}`;
  if (!info.isSoftware) return `hardware; ${source}`;
  return `no usable GPU; ${source}. ${chosenDrivers().length > 0 ? '' : gpuAdvice()}`.replace(/\. $/, '');
}

function remedy(others: AdapterReport[]): string {
  const chosen = chosenDrivers().join(' and ');
  if (chosen !== '') return `Only what ${chosen} gives was looked at: correct or unset it.`;
  if (others.length === 0) return installAdvice();
  return others.every((other) => other.isSoftware) ? gpuAdvice() : '';
}

/** How to make a GPU usable that is there without its driver; empty if there is none. */
function gpuAdvice(): string {
  const system = detectSystem();
  return system.nvidia ? nvidiaAdvice(system) : '';
}

/** The driver's names of all adapters. Dawn tells them only in its refusal of a name that does not exist. */
async function adapterNames({ dawnFlags = [], quiet }: OpenAdapterOptions): Promise<string[]> {
  const refusal = await requestAdapter([...dawnFlags, 'adapter=\u0001'], {}, quiet).then(() => '', String);
  return Array.from(refusal.matchAll(/^ \* backend: '.*?', name: '(.*)'$/gm), (match) => match[1]);
}

/** A name as Dawn gives it in `GPUAdapterInfo`. */
const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]+/g, '-');

function fits({ name, description, isSoftware }: AdapterReport, wanted: string): boolean {
  const text = wanted.toLowerCase();
  if (text === 'hardware') return !isSoftware;
  if (text === 'software') return isSoftware;
  return `${name}\n${description}`.toLowerCase().includes(text === 'lavapipe' ? 'llvmpipe' : text);
}

const backends: Partial<Record<NodeJS.Platform, string>> = { darwin: 'metal', win32: 'd3d12', linux: 'vulkan' };

function report(adapter: GPUAdapter, gpu: GPU, threads: number | undefined): AdapterReport {
  const { device, isFallbackAdapter, subgroupMinSize, subgroupMaxSize } = adapter.info;
  const { description, vendor, architecture, isSoftware } = describeAdapter(adapter.info);
  const known = /llvmpipe|swiftshader/.exec(`${device} ${description}`.toLowerCase())?.[0];
  const limits: Record<string, number> = {};
  for (const key in adapter.limits) limits[key] = adapter.limits[key as keyof GPUSupportedLimits] as number;
  return {
    name: known ?? plain(device || `${vendor} ${architecture}`.trim() || description).replace(/^-+|-+$/g, ''),
    description,
    vendor,
    architecture,
    backend: backends[process.platform] ?? 'unknown',
    type: isFallbackAdapter ? 'CPU' : 'GPU',
    isSoftware,
    ...(known === 'llvmpipe' && threads !== undefined && { softwareThreads: threads }),
    subgroupMinSize,
    subgroupMaxSize,
    features: [...adapter.features].sort(),
    limits,
    wgslLanguageFeatures: [...gpu.wgslLanguageFeatures].sort(),
  };
}
