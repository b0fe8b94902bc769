import type { Command, Option } from 'commander';

/** Options of the API that have another name on the command line. */
const OTHER_NAMES: Readonly<Record<string, string>> = { nFactors: 'factors', numIt: 'steps', defaults: 'preset' };

/** The name on the command line of an option of the API. */
export const nameHere = (option: string): string => (Object.hasOwn(OTHER_NAMES, option) ? OTHER_NAMES[option] : option);

/** A quoted text, or a name and perhaps its value. An apostrophe has a letter before or behind it. */
const QUOTED_OR_NAMED = /(?<!\w)'.*?'(?!\w)|\b([a-z]\w*)(?:: (true|false|null|-?\d[\d.]*|'(?:[^']*)'))?/gs;
/** What comes before the name of an option with its value: an order, or another option. */
const ORDER = /(?:\b(?:pass|with|use|give|set|or|and)|[;,]) $/i;

/**
 * A sentence of the API, which names options as programs do, in the words of a command line: `batchSize 9` becomes
 * `--batch-size 9`, `textIds: true` becomes `--text-ids`, `yRange: null` becomes `--y-range none`. A name is known by a
 * capital inside, by its value in an order such as `use epochs: 3`, or by being the first word of a refusal: elsewhere
 * `epochs` and `item` are plain words. Quoted
 * texts, which are values of the user's, stay as they are.
 *
 * @param options those of the command that ran
 * @param isRefusal whether the sentence refuses an argument, and so begins with its name
 */
export function nameFlags(sentence: string, { options }: Pick<Command, 'options'>, isRefusal: boolean): string {
  return sentence.replace(QUOTED_OR_NAMED, (whole, name: string | undefined, value: string | undefined, at: number) => {
    if (name === undefined) return whole;
    const option = options.find((each) => each.attributeName() === nameHere(name));
    if (option === undefined) return whole;
    const isName = /[A-Z]/.test(name) || (at === 0 && isRefusal);
    if (value !== undefined && (isName || ORDER.test(sentence.slice(0, at)))) return withValue(option, value);
    return isName ? flagOf(option) : whole;
  });
}

/** An option with its value, as it is typed. */
function withValue(option: Option, value: string): string {
  const flag = flagOf(option);
  if (!option.required && !option.optional) return value === String(!option.negate) ? flag : `${flag}: ${value}`;
  return `${flag} ${value === 'null' ? 'none' : value.replace(/^'(.*)'$/s, '$1')}`;
}

function flagOf({ long, short }: Option): string {
  return (long ?? short)!;
}
