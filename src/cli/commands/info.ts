import type { Command } from 'commander';
import { NoAdapterError } from '../../base/errors.js';
import { VERSION } from '../../base/version.js';
import { type AdapterReport, listAdapters, openAdapter } from '../../node/device/adapter.js';
import { cacheDir } from '../../node/disk/cache.js';
import { describeRule } from '../../node/device/threads.js';
import { addAdapterOption, type DeviceFlags } from '../options/device.js';
import { onThreads } from '../print/head.js';
import { runtimeName } from '../process/runtime.js';
import { note, oneLine, printJson, printLines } from '../process/terminal.js';

interface InfoFlags extends Pick<DeviceFlags, 'adapter'> {
  json?: boolean | undefined;
}

/** What `dotbias info --json` prints. */
interface Info {
  dotbias: string;
  /** What runs it: Node, Deno or Bun, with the version. */
  runtime: string;
  platform: string;
  cacheDir: string;
  /** Best first. */
  adapters: AdapterReport[];
  /** The adapter that a run would use and why, of lavapipe also the threads; absent where there is none. */
  used?: { name: string; why: string; threads?: string | undefined } | undefined;
  /** Why there is no adapter, and what to install. */
  problem?: string | undefined;
}

/** Adds `dotbias info`. */
export function addInfo(program: Command): void {
  const command = program
    .command('info')
    .summary('show the adapters of this machine')
    .description('Shows the WebGPU adapters of this machine, and which one a run would use and why; or what to install if there is none.');
  addAdapterOption(command).option('--json', 'print everything as JSON, all limits included').action(info);
}

async function info({ adapter: name, json }: InfoFlags): Promise<void> {
  const found = await gather(name);
  if (json) printJson(found);
  else printLines(describe(found));
  if (found.problem === undefined) return;
  note(`error: ${found.problem}`);
  process.exitCode = 1;
}

async function gather(name: string | undefined): Promise<Info> {
  const versions = { dotbias: VERSION, runtime: runtimeName(), platform: `${process.platform} ${process.arch}`, cacheDir: cacheDir() };
  try {
    const { info: used, why } = await openAdapter({ quiet: true, name });
    const threads = threadsText(used);
    return { ...versions, adapters: await listAdapters({ quiet: true }), used: { name: used.name, why, ...(threads && { threads }) } };
  } catch (error) {
    if (!(error instanceof NoAdapterError)) throw error;
    return { ...versions, adapters: await listAdapters({ quiet: true }).catch(() => []), problem: error.message };
  }
}

/** On which threads lavapipe would compute; empty for another adapter. */
function threadsText({ name, softwareThreads }: AdapterReport): string {
  if (name !== 'llvmpipe') return '';
  return softwareThreads === undefined ? describeRule() : `${onThreads(softwareThreads)}, as LP_NUM_THREADS says`;
}

function describe({ dotbias, runtime, platform, cacheDir: cache, adapters, used }: Info): string {
  const result = used ? [`A run would use ${used.name} (${used.why})${used.threads ? `, ${used.threads}` : ''}.`] : [];
  return [`dotbias ${dotbias}, ${runtime}, ${platform}`, `Cache: ${cache}`, '', ...adapters.flatMap(describeAdapter), ...result]
    .map(oneLine)
    .join('\n');
}

/** The limits that decide how large a model may be and how its kernels run. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupsPerDimension',
];

function describeAdapter({
  name,
  description,
  backend,
  isSoftware,
  limits,
  features,
  subgroupMinSize,
  subgroupMaxSize,
}: AdapterReport): string[] {
  return [
    name,
    `  ${description}`,
    `  ${isSoftware ? 'software, on the CPU' : 'hardware'}; ${backend}; subgroups of ${subgroupMinSize} to ${subgroupMaxSize}`,
    `  limits: ${LIMITS.map((limit) => `${limit} ${limits[limit]}`).join(', ')}`,
    `  features: ${features.join(', ')}`,
    '',
  ];
}
