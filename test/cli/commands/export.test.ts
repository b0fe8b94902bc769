import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addExport } from '../../../src/cli/commands/export.js';
import { saveModel } from '../../../src/node/files/model-file.js';
import { dotbiasHere, temporaryFolder } from '../../helpers/cli.js';
import { modelOf, tablesOf } from '../../helpers/rated-model.js';

const test = suite('dotbias export');
const folder = temporaryFolder();
const file = (name: string) => join(folder, name);
const sizes = { nUsers: 5, nItems: 4, nFactors: 3 };
const model = await modelOf(
  sizes,
  tablesOf(sizes, (_, i) => Math.sin(i)),
);
const exported = (...args: string[]) => dotbiasHere(addExport, 'export', ...args);

test('a model in one file or in several is exported, and each file is named', async () => {
  await saveModel(model, file('m.safetensors'));
  await saveModel(model, file('parts/'), { shardBytes: 64 });
  for (const saved of ['m.safetensors', 'parts']) {
    const { code, stdout, stderr } = await exported('--model', file(saved), '--side', 'users', '--out', file(`${saved}.npy`));
    assert.is(code, 0, stderr);
    const [ids, matrix] = saved === 'parts' ? ['parts.ids.csv', 'parts.npy'] : ['m.safetensors.ids.csv', 'm.safetensors.npy'];
    assert.is(stdout, `Written: ${file(ids)}, ${file(matrix)}\n`);
    assert.ok(existsSync(file(ids)) && existsSync(file(matrix)));
  }
});

test('what cannot go together is refused in one sentence', async () => {
  writeFileSync(file('x.ids.csv'), 'kept');
  const cases: [args: string[], says: string][] = [
    [
      ['--model', file('m.safetensors'), '--side', 'items', '--out', file('m.onnx')],
      '--side is for vectors: ONNX has both sides of a model.',
    ],
    [['--model', file('m.safetensors'), '--out', file('m')], 'm has no ending: the format follows from it'],
    [['--model', file('none'), '--out', file('m.npy')], 'none: There is no such file.'],
    [['--model', file('x.ids.csv'), '--out', file('x.npy')], 'x.ids.csv'],
  ];
  for (const [args, says] of cases) {
    const { code, stderr } = await exported(...args);
    assert.is(code, 1);
    assert.ok(stderr.includes(says), stderr);
    assert.is(stderr.trimEnd().split('\n').length, 1, stderr);
  }
});

test.run();
