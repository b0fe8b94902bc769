/** The lines with which a run begins. */
import { counted, thousands } from '../../base/count.js';
import type { Ring } from '../../base/ring.js';
import type { CollabData } from '../../data/collab-data.js';
import type { AdapterReport } from '../../node/device/adapter.js';
import type { OpenedGpu } from '../../node/device/device.js';
import type { CollabLearner } from '../../train/learner.js';
import { note } from '../process/terminal.js';

/** The adapter in its driver's words; of lavapipe also the threads that it computes on. */
export function adapterText({ description, softwareThreads: threads }: Pick<AdapterReport, 'description' | 'softwareThreads'>): string {
  return threads === undefined ? description : `${description}, ${onThreads(threads)}`;
}

/** The threads that lavapipe computes on, as a phrase. */
export function onThreads(threads: number): string {
  return `on ${counted(Math.max(1, threads), 'thread')}`;
}

/** The first line of every command that computes: the device in use, and why this one. */
export function deviceLine({ info, why }: Pick<OpenedGpu, 'info' | 'why'>): string {
  return `Device: ${adapterText(info)}, ${info.isSoftware ? 'software' : 'hardware'} (${why.replace(/^hardware; /, '')})`;
}

/** The second line: which data these are, and how many. */
export function dataLine({ data, source }: { data: CollabData; source: string }): string {
  const ratings = `${thousands(data.nTrain)} training and ${thousands(data.nValid)} validation ratings`;
  return `Data: ${source} ${ratings} of ${thousands(data.nItems - 1)} items by ${thousands(data.nUsers - 1)} users.`;
}

/** The third line: between which numbers predictions lie, and why. */
export function rangeLine({ yRange }: Pick<CollabLearner, 'yRange'>, from: string): string {
  return `Range: ${yRange === null ? 'none, predictions are raw scores' : yRange.join(' to ')}, ${from}.`;
}

/** The fourth line, of a training in strata: its order. */
export function strataLine({ trainer }: Pick<CollabLearner, 'trainer'>, { size, hosts }: Pick<Ring, 'size' | 'hosts'>): string | undefined {
  const { strata, passes } = trainer.epochs.settings;
  if (strata === undefined || passes === undefined) return undefined;
  const order = `${strata} strata, ${passes === 1 ? '1 pass' : `${passes} passes`} in an epoch`;
  return `Order: ${order}${size > 1 ? `, on ${size} ranks (${ranksByHost(hosts)})` : ''}; batches are made on the host.`;
}

/** What to say where ranks compute on different adapters; undefined where all have one kind. @param adapters of each rank */
export function adaptersNote(adapters: readonly string[], { hosts }: Pick<Ring, 'hosts'>): string | undefined {
  const other = adapters.findIndex((adapter) => adapter !== adapters[0]);
  if (other < 0) return undefined;
  const on = (rank: number) => `rank ${rank} (${hosts[rank]}) on ${adapters[rank]}`;
  return `The ranks compute on different adapters, ${on(0)} and ${on(other)}: the model will have the bits of neither alone.`;
}

/** How many ranks there are on each machine. */
function ranksByHost(hosts: readonly string[]): string {
  const names = [...new Set(hosts)];
  return names.map((name) => `${hosts.filter((host) => host === name).length} on ${name}`).join(', ');
}

/** What to say of the way in which a learner makes its steps, where that is not the fast one; said once per process. */
export function steppingNote({ stepping: { why, isFallback } }: Pick<CollabLearner, 'stepping'>): string | undefined {
  if (!isFallback || said.has(why)) return undefined;
  said.add(why);
  return why;
}

const said = new Set<string>();

/** Writes a note on stderr, unless one like it, apart from its numbers, has been written before. */
export function noteOnce(text: string): void {
  const kind = text.replace(/: .*/, '').replace(/[\d.,]+/g, '');
  if (said.has(kind)) return;
  said.add(kind);
  note(text);
}
