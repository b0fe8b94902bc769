/** Tables on the screen, and results as JSON with everything that is needed to judge them later. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import type { Gpu } from '../src/gpu/gpu.js';
import { alignedTable } from '../src/cli/print/table.js';
import type { AdapterReport } from '../src/node/device/adapter.js';

export type Cell = string | number;

/** One table. Column names carry the units. */
export interface Section {
  title: string;
  notes: string[];
  rows: Record<string, Cell>[];
}

export interface Environment {
  adapter: string;
  /** The driver's own words, with its version. */
  driver: string;
  software: boolean;
  node: string;
  commit: string;
  date: string;
  cpu: string;
  cores: number;
  memoryGiB: number;
  /** Load of the last minute when the run began. Above 0.5 the figures cannot be trusted. */
  load: number;
  timing: string;
}

export interface Result {
  environment: Environment;
  options: Record<string, unknown>;
  sections: Section[];
  peakMemory: { processMiB: number; gpuMiB: number };
  seconds: number;
}

export function environment(info: AdapterReport, timing: string): Environment {
  return {
    adapter: info.name,
    driver: info.description,
    software: info.isSoftware,
    node: process.version,
    commit: commit(),
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load: loadavg()[0],
    timing,
  };
}

/** Which code ran on which machine, in a line. */
export function machine({ node, commit: from, cores, cpu, load }: Environment): string {
  const warning = load > 0.5 ? ': the machine is busy, do not trust these figures' : '';
  return `Node ${node}, commit ${from}, ${cores} x ${cpu}, load ${load.toFixed(2)}${warning}`;
}

/** The commit that is checked out, `+` if files differ from it; or that of which the benches were packed (bench/carry.sh). */
function commit(): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: new URL('.', import.meta.url), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+');
  } catch {
    const file = new URL('../../COMMIT', import.meta.url);
    return existsSync(file) ? readFileSync(file, 'utf8').trim() : 'unknown';
  }
}

export function peakMemory(gpu: Gpu): Result['peakMemory'] {
  return { processMiB: Math.round(process.resourceUsage().maxRSS / 1024), gpuMiB: Math.ceil(gpu.peakAllocated / 2 ** 20) };
}

/** Four significant figures, without exponents for ordinary sizes. */
export function format(value: Cell): string {
  if (typeof value === 'string') return value;
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value) || Math.abs(value) >= 1e4) return Math.round(value).toLocaleString('en');
  if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(1);
  return String(Number(value.toPrecision(4)));
}

export function render({ title, notes, rows }: Section): string {
  const head = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const align = head.map((name) => (rows.some((row) => typeof row[name] === 'number') ? ('right' as const) : ('left' as const)));
  const body = rows.map((row) => head.map((name) => format(row[name] ?? '')));
  return ['', title, ...notes.map((note) => `  ${note}`), '', alignedTable(head, body, align)].join('\n');
}

/** `llvmpipe-2025-01-31T12-00.json` */
export function resultFile({ adapter, date }: Environment, prefix = ''): string {
  return `${prefix}${adapter}-${date.slice(0, 16).replace(':', '-')}.json`;
}
