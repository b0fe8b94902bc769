import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addWgsl } from '../../../src/cli/commands/wgsl.js';
import { dotbias, dotbiasHere } from '../../helpers/cli.js';

test('wgsl lists the kernels', async () => {
  const { code, stdout, stderr } = await dotbias('wgsl');
  assert.equal({ code, stderr }, { code: 0, stderr: '' });
  const names = stdout.trim().split('\n');
  assert.ok(names.includes('forward') && names.includes('lazyStep'));
});

test('wgsl prints a kernel as a module, for the model asked for', async () => {
  const forward = async (...more: string[]) => (await dotbiasHere(addWgsl, 'wgsl', 'forward', ...more)).stdout;
  assert.match(await forward(), /var<immediate>.*@compute/s);
  assert.match(await forward('--no-bias'), 'no bias');
  assert.match(await forward('--y-range', 'none'), 'identity');
  assert.not.match(await forward('--no-immediates'), 'var<immediate>');
});

test.run();
