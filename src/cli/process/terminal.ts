/**
 * The only way to the terminal. Titles, ids, fields and names of files are other people's texts: whatever in them would
 * steer a terminal, break a line or turn the reading direction is printed as an escape that can be seen.
 */

/** Control characters (C0, DEL, C1), separators of lines, and what overrides or isolates the direction of a text. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\u{202a}-\u{202e}\u{2066}-\u{2069}]/gu;

/** The control characters that are white space, and the separators of lines: one space stands for any run of them. */
const SPACES = /[\t-\r\u0085\p{Zl}\p{Zp}]+/gu;

/** A text that stays on its line and can be printed: white space is a space, anything else unsafe an escape. */
export function oneLine(text: string): string {
  return text.replace(SPACES, ' ').replace(UNSAFE, escaped);
}

/** The most that is printed of a sentence: what it quotes may be of any length. */
const LONGEST = 1000;

/** As `oneLine`, without the middle of a text that nobody would read. */
export function oneSentence(text: string): string {
  const line = oneLine(text);
  return line.length <= LONGEST ? line : `${line.slice(0, 0.6 * LONGEST)} ... ${line.slice(-0.3 * LONGEST)}`;
}

/** As `oneLine`, for a text of several lines, such as a table of cells that are one line each. */
function safeLines(text: string): string {
  return text.split('\n').map(oneLine).join('\n');
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

let silent = false;

/** From now on nothing is printed but errors: of processes that do one work together, one speaks for all. */
export function silence(): void {
  silent = true;
}

/** Whether another process speaks for this one. */
export function isSilent(): boolean {
  return silent;
}

/** Prints one line. */
export function print(line: string): void {
  if (!silent) console.log(oneLine(line));
}

/** Prints a text of several lines. */
export function printLines(text: string): void {
  if (!silent) console.log(safeLines(text));
}

/** Prints a value as JSON. An escape in a JSON text means the character itself, so that the value stays exact. */
export function printJson(value: unknown): void {
  if (silent) return;
  console.log(JSON.stringify(value, null, 2).replace(UNSAFE, (character) => (character === '\n' ? character : escaped(character))));
}

/** Writes one line on stderr, if there is something to say. */
export function note(line: string | undefined): void {
  if (line !== undefined && !silent) console.error(oneSentence(line));
}

/** Writes an error on stderr, in several lines if it has the stack of a defect. A silent process says its errors, too. */
export function noteLines(text: string): void {
  console.error(safeLines(text));
}
