/** Text of a drawing. */
import { textWidth } from '../../plots/labels.js';

/** Sizes in pixels: of most text, and of labels in the plot. */
export const [TEXT, LABEL] = [12, 11];

export function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escape(content)}</text>`;
}

export const round = (value: number) => Math.round(10 * value) / 10;

/** Lines of at most so many pixels. */
export function wrap(sentence: string, pixels: number, fontSize: number): string[] {
  const lines: string[] = [];
  for (const word of sentence.split(' ')) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && textWidth(longer, fontSize) <= pixels) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
export const escape = (content: string) => content.replace(/[&<>"]/g, (char) => ESCAPES[char]);
