import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adaptersNote, adapterText, deviceLine } from '../../../src/cli/print/head.js';
import type { AdapterReport } from '../../../src/node/device/adapter.js';

test('the line of the device says on which threads lavapipe computes, and nothing of threads elsewhere', () => {
  const line = (softwareThreads?: number) =>
    deviceLine({ info: { description: 'llvmpipe (LLVM 15)', isSoftware: true, softwareThreads } as AdapterReport, why: 'no usable GPU' });
  assert.is(line(), 'Device: llvmpipe (LLVM 15), software (no usable GPU)');
  assert.is(line(0), 'Device: llvmpipe (LLVM 15), on 1 thread, software (no usable GPU)');
  assert.is(line(2), 'Device: llvmpipe (LLVM 15), on 2 threads, software (no usable GPU)');
  assert.is(adapterText({ description: 'llvmpipe', softwareThreads: 1 }), 'llvmpipe, on 1 thread');
});

test('ranks on different adapters are named, those of one kind are not', () => {
  const hosts = ['a', 'a', 'b'];
  assert.is(adaptersNote(['X', 'X', 'X'], { hosts }), undefined);
  assert.is(
    adaptersNote(['X', 'X', 'Y'], { hosts }),
    'The ranks compute on different adapters, rank 0 (a) on X and rank 2 (b) on Y: the model will have the bits of neither alone.',
  );
});

test.run();
