/** What the page knows, as signals. Sections read it; `session.ts` alone writes it. */
import { signal } from '@preact/signals';
import type { Contribution, DeviceInfo, EpochRecord, Id, LrFinderResult, Recommendation, Validation } from 'dotbias';
import type { Knobs } from './knobs.js';

/** What the engine does now. */
export type Phase = 'starting' | 'reading' | 'compiling' | 'finding' | 'training' | 'idle' | 'failed' | 'unsupported' | 'lost';
export const phase = signal<Phase>('starting');

/** One sentence on what goes on, told to screen readers too. */
export const status = signal('Starting.');

/** What went wrong last, as a sentence; '' if nothing did. */
export const problem = signal('');

/** The device, once it is open. */
export const device = signal<DeviceInfo | undefined>(undefined);

/** Milliseconds that each part took, the last time. */
export interface Times {
  open?: number;
  read?: number;
  compile?: number;
  find?: number;
  train?: number;
}
export const times = signal<Times>({});

/** A line to compare a loss with, and what it stands for. */
export interface Reference {
  value: number;
  /** Half the width of a band around the line. */
  sd?: number;
  label: string;
  /** The whole story, in a sentence. */
  story: string;
}

/** The ratings in use. */
export interface DataSummary {
  name: string;
  /** Made up, so that the page has something to train on. */
  isPlanted: boolean;
  users: number;
  items: number;
  train: number;
  valid: number;
  stepsPerEpoch: number;
  /** The lowest and the highest rating. */
  scale: readonly [lo: number, hi: number];
  notes: readonly string[];
  references: readonly Reference[];
}
export const data = signal<DataSummary | undefined>(undefined);

/** How often ratings were read; 0 while there are none. `data` comes later, when they are split. */
export const ratingsRead = signal(0);

/** What a link calls them. */
export const keyOf = ({ isPlanted, name }: DataSummary): string => (isPlanted ? 'planted' : name);

/** The last search for a learning rate. */
export const found = signal<LrFinderResult | undefined>(undefined);

/** One training, growing step by step. Its arrays grow in place: `runTick` tells of each change. */
export interface Run {
  knobs: Knobs;
  stepsPerEpoch: number;
  totalSteps: number;
  losses: number[];
  smooth: number[];
  epochs: EpochRecord[];
  final?: Validation;
  /** Made all of its steps. */
  isComplete: boolean;
}
export const run = signal<Run | undefined>(undefined);
export const previousRun = signal<Run | undefined>(undefined);
export const runTick = signal(0);

/** Counts the models that were trained; 0 before the first. Sections that ask the model do so anew when it changes. */
export const model = signal(0);

/** An item, and how it was rated in training. */
export interface Film {
  item: Id;
  title?: string | undefined;
  count: number;
  mean: number;
  sd: number;
}
/** All of them, the most rated first. */
export const films = signal<readonly Film[]>([]);

/** What an item is called. */
export const nameOf = ({ item, title }: { item: Id; title?: string | undefined }): string =>
  title ?? (typeof item === 'number' ? `Film ${item}` : item);

/** The visitor's own ratings, by item; they outlive a new training. */
export const rated = signal<ReadonlyMap<Id, number>>(new Map());
/** A visitor as the model sees them, and what it says to them. */
export interface Answer {
  factors: Float32Array;
  /** The list leaves their taste out. */
  biasOnly: boolean;
  /** From how many ratings. */
  nRatings: number;
  list: (Recommendation & { because: readonly Contribution[] })[];
  /** Milliseconds from the question to the list. */
  ms: number;
}
export const answer = signal<Answer | undefined>(undefined);
