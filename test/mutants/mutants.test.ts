import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mutantsOf } from './mutants.js';

/** The source with each of its mutants. */
const mutated = (source: string) => mutantsOf(source).map(({ start, end, text }) => source.slice(0, start) + text + source.slice(end));

const cases: [what: string, source: string, mutants: string[]][] = [
  ['operators are swapped', 'const x = a * b <= c;', ['const x = a * b < c;', 'const x = a / b <= c;']],
  ['numbers are one more', 'const x = 0.5;', ['const x = 1.5;']],
  ['text is left alone', "const x = 'a' + b;", []],
  ['conditions are negated', 'const x = a ? b : c;', ['const x = !(a) ? b : c;']],
  ['statements are left out', 'f(a);', [';']],
  ['indices are off by one', 'const x = a[k];', ['const x = a[k + 1];']],
  [
    'WGSL is mutated like code, between its substitutions too, but neither its attributes nor its comments',
    'const x = wgsl `\n@workgroup_size(64)\nfn f() {\n  // 1 + 1\n  y = ${a}(x + 2u);\n}`;',
    [
      'const x = wgsl `\n@workgroup_size(64)\nfn f() {\n  // 1 + 1\n  y = ${a}(x - 2u);\n}`;',
      'const x = wgsl `\n@workgroup_size(64)\nfn f() {\n  // 1 + 1\n  y = ${a}(x + 3u);\n}`;',
    ],
  ],
  ['statements of WGSL are left out', 'const x = wgsl `\n  y = f(x);\n`;', ['const x = wgsl `\n  ;\n`;']],
];
for (const [what, source, mutants] of cases) test(what, () => assert.equal(mutated(source), mutants));

test.run();
