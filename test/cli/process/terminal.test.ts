import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { note, noteLines, oneLine, oneSentence, print, printJson, printLines } from '../../../src/cli/process/terminal.js';

const test = suite('what reaches the terminal');

/** All that may steer a terminal, break a line or turn the reading direction. */
const UNSAFE = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code)).filter((character, code) =>
  code < 0xa0 ? code < 0x20 || code > 0x7e : '\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069'.includes(character),
);

/** What `work` prints. */
function printed(work: () => void): string {
  const { log, error } = console;
  let text = '';
  Object.assign(console, { log: (line: string) => void (text += line), error: (line: string) => void (text += line) });
  try {
    work();
  } finally {
    Object.assign(console, { log, error });
  }
  return text;
}

const anyText = fc.array(fc.oneof(fc.constantFrom(...UNSAFE), fc.string({ unit: 'binary' }))).map((parts) => parts.join(''));

test('no unsafe character is printed by any way, and none breaks a line', () => {
  const safe = (text: string) => !UNSAFE.some((character) => text.includes(character));
  fc.assert(
    fc.property(anyText, (text) => {
      assert.ok(safe(oneLine(text)));
      const [line, sentence] = [print, note].map((way) => printed(() => way(text)));
      assert.equal([line, sentence], [oneLine(text), oneSentence(text)]);
      for (const way of [printLines, noteLines]) {
        const lines = printed(() => way(text)).split('\n');
        assert.ok(lines.length === text.split('\n').length && lines.every(safe));
      }
      const json = printed(() => printJson({ [text]: [text] }));
      assert.ok(json.split('\n').every(safe));
      assert.equal(JSON.parse(json), { [text]: [text] });
    }),
  );
});

test('what can be read is printed as it is; white space is a space, the rest an escape', () => {
  for (const text of ['千と千尋 Amélie 🎬', 'a  b', "%s '\\u001b'", '\u200d\u200f']) assert.is(oneLine(text), text);
  assert.is(oneLine('a\r\n\tb\u001b[31m\u0000\u007f\u009b\u2028\u202ec'), 'a b\\u001b[31m\\u0000\\u007f\\u009b \\u202ec');
});

test('of a very long sentence beginning and end are printed', () => {
  const said = oneSentence(`begin ${'x'.repeat(100_000)} end`);
  assert.ok(said.length <= 1000 && /^begin x+ \.\.\. x+ end$/.test(said));
  assert.is(oneSentence('y'.repeat(1000)).length, 1000);
});

test('a note with nothing to say is none', () => {
  assert.is(
    printed(() => note(undefined)),
    '',
  );
});

test.run();
