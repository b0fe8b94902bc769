import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runNode } from './helpers/cli.js';

const test = suite('examples');

/** Validation MSE of a model that has not been trained, on the ratings of the examples. */
const UNTRAINED = 1.91;

for (const file of ['examples/huber.js', 'examples/distance.js', 'examples/lion.js', 'examples/non-negative.js']) {
  test(`${file} trains, in under 25 lines`, async () => {
    const source = readFileSync(new URL(`../../${file.replace('.js', '.ts')}`, import.meta.url), 'utf8');
    assert.ok(source.trimEnd().split('\n').length < 25);
    const { code, stdout, stderr } = await runNode(fileURLToPath(new URL(`../${file}`, import.meta.url)));
    assert.is(code, 0, stderr);
    const mse = Number(/mse: ([\d.]+)/.exec(stdout)?.[1]);
    assert.ok(mse < 0.7 * UNTRAINED, stdout);
    if (file.includes('huber')) assert.ok(Number(/loss: ([\d.]+)/.exec(stdout)![1]) < mse, 'the Huber loss is below the squared error');
    if (file.includes('non-negative')) assert.ok(Number(/} ([-\d.e]+)$/m.exec(stdout)![1]) >= 0, stdout);
  });
}

test.run();
