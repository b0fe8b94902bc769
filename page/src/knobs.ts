/** What a visitor can turn, the rules for it, and its way into the address of the page and back. */
import { batch, computed, effect, signal, type Signal } from '@preact/signals';

/** Settings of one training. */
export interface Knobs {
  factors: number;
  epochs: number;
  lr: number;
  wd: number;
  batch: number;
  seed: number;
  /** Between which predictions lie; undefined: from the ratings; null: anywhere. */
  range: readonly [number, number] | null | undefined;
  bias: boolean;
}

type Name = keyof Knobs;

/** A knob as a person sees it. Its text is what they typed. */
export interface Knob {
  name: Name;
  label: string;
  /** One sentence for those who have not met it. */
  hint: string;
  usual: string;
  /** What the keyboard of a phone should offer. */
  inputMode: 'numeric' | 'decimal' | 'text';
  /** @throws RangeError, with a sentence */
  parse(text: string): Knobs[Name];
}

const whole =
  (label: string, lo: number, hi: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= lo && value <= hi) return value;
    throw new RangeError(`${label} must be a whole number from ${lo} to ${hi}, not ${text.trim() === '' ? 'nothing' : text.trim()}.`);
  };

const real =
  (label: string, says: string, fits: (value: number) => boolean) =>
  (text: string): number => {
    const value = Number(text.replace('−', '-'));
    if (text.trim() !== '' && Number.isFinite(value) && fits(value)) return value;
    throw new RangeError(`${label} must be ${says}, not ${text.trim() === '' ? 'nothing' : text.trim()}.`);
  };

function rangeOf(text: string): Knobs['range'] {
  const trimmed = text.trim();
  if (trimmed === 'auto') return undefined;
  if (trimmed === 'none') return null;
  const [lo, hi, more] = trimmed.split(/\s*(?:to|,|\.\.)\s*/).map(Number);
  if (more === undefined && Number.isFinite(lo) && Number.isFinite(hi) && lo < hi) return [lo, hi];
  throw new RangeError('The range must be auto, none, or two numbers with the lower first, such as 0 to 5.5.');
}

export const KNOBS: readonly Knob[] = [
  {
    name: 'factors',
    label: 'Factors',
    hint: 'Numbers that describe each person and each film.',
    usual: '40',
    inputMode: 'numeric',
    parse: whole('Factors', 1, 512),
  },
  { name: 'epochs', label: 'Epochs', hint: 'Passes over all ratings.', usual: '5', inputMode: 'numeric', parse: whole('Epochs', 1, 200) },
  {
    name: 'lr',
    label: 'Learning rate',
    hint: 'The peak of the 1-cycle. Click in the curve above, or type it.',
    usual: '0.01',
    inputMode: 'decimal',
    parse: real('The learning rate', 'a number above 0 and at most 10', (value) => value > 0 && value <= 10),
  },
  {
    name: 'wd',
    label: 'Weight decay',
    hint: 'How strongly the factors are drawn back to zero.',
    usual: '0.1',
    inputMode: 'decimal',
    parse: real('Weight decay', 'a number from 0 to 10', (value) => value >= 0 && value <= 10),
  },
  {
    name: 'batch',
    label: 'Batch size',
    hint: 'Ratings in one step.',
    usual: '64',
    inputMode: 'numeric',
    parse: whole('Batch size', 1, 1_000_000),
  },
  {
    name: 'seed',
    label: 'Seed',
    hint: 'Decides the split, the starting values and the order. The same seed gives the same result.',
    usual: '42',
    inputMode: 'numeric',
    parse: whole('The seed', 0, 4_294_967_295),
  },
  {
    name: 'range',
    label: 'Range of predictions',
    hint: 'auto (from the ratings), none, or two numbers such as 0 to 5.5.',
    usual: 'auto',
    inputMode: 'text',
    parse: rangeOf,
  },
  {
    name: 'bias',
    label: 'Biases',
    hint: 'One number more for each person and film: how generous, how well liked.',
    usual: 'yes',
    inputMode: 'text',
    parse: (text) => {
      if (text === 'yes' || text === 'no') return text === 'yes';
      throw new RangeError(`Biases must be yes or no, not ${text || 'nothing'}.`);
    },
  },
];

/** What is typed, knob by knob. */
export const typed = Object.fromEntries(KNOBS.map(({ name, usual }) => [name, signal(usual)])) as Record<Name, Signal<string>>;

/** What is wrong, knob by knob, in sentences; no entry where nothing is. */
export const refusals = computed(() => {
  const found: Partial<Record<Name, string>> = {};
  for (const { name, parse } of KNOBS) {
    try {
      parse(typed[name].value);
    } catch (error) {
      found[name] = (error as Error).message;
    }
  }
  return found;
});

/** The settings as they are typed; undefined while one is wrong. */
export const knobs = computed<Knobs | undefined>(() => {
  if (Object.keys(refusals.value).length > 0) return undefined;
  return Object.fromEntries(KNOBS.map(({ name, parse }) => [name, parse(typed[name].value)])) as unknown as Knobs;
});

/** Knobs as the fragment of an address. @param all also those that are as usual, so that the link outlives a change of these */
export function fragmentOf(all = false): string {
  const entries = KNOBS.filter(({ name, usual }) => all || typed[name].value !== usual).map(({ name }) => [name, typed[name].value]);
  return new URLSearchParams(entries).toString();
}

/** Sets the knobs that a fragment names, and all others to what is usual. */
export function readFragment(fragment: string): void {
  const given = new URLSearchParams(fragment.replace(/^#/, ''));
  batch(() => {
    for (const { name, usual } of KNOBS) typed[name].value = given.get(name) ?? usual;
  });
}

/**
 * Writes the knobs into the address soon after each change, whoever makes it: Safari refuses more than 100 changes in 10 s. What the
 * address brought stays until then.
 */
export function keepAddress(): void {
  let isFirst = true;
  let timer: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    const now = fragmentOf();
    clearTimeout(timer);
    if (!isFirst)
      timer = setTimeout(() => history.replaceState(null, '', now === '' ? location.pathname + location.search : `#${now}`), 100);
    isFirst = false;
  });
}

/** A visitor's ratings in a link, and the name of the data that they belong to. */
export interface Brought {
  of: string;
  ratings: readonly (readonly [item: string, rating: number])[];
}

/** Ratings as a part of a fragment: `of=NAME&rated=ITEM:RATING,…`. */
export function fragmentOfRatings({ of, ratings }: Brought): string {
  const rated = ratings.map(([item, rating]) => `${encodeURIComponent(item)}:${rating}`).join(',');
  return new URLSearchParams({ of, rated }).toString().replaceAll('%3A', ':').replaceAll('%2C', ',');
}

/** The ratings in a fragment, if there are any. What cannot be read is left out. */
export function ratingsIn(fragment: string): Brought | undefined {
  const given = new URLSearchParams(fragment.replace(/^#/, ''));
  const ratings = (given.get('rated') ?? '').split(',').flatMap((pair): [string, number][] => {
    const [, item, rating] = /^(.+):(-?\d+(?:\.\d+)?)$/.exec(pair) ?? [];
    try {
      return item === undefined ? [] : [[decodeURIComponent(item), Number(rating)]];
    } catch {
      return [];
    }
  });
  return ratings.length > 0 ? { of: given.get('of') ?? '', ratings } : undefined;
}
