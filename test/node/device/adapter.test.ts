import { describeAdapter } from '../../../src/gpu/gpu.js';
import { execFile } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NoAdapterError } from '../../../src/base/errors.js';
import { listAdapters, openAdapter } from '../../../src/node/device/adapter.js';
import { findSwiftShader } from '../../../src/node/device/swiftshader.js';
import { openGpu } from '../../../src/node/device/device.js';
import { orNull, testAdapter, testGpu } from '../../helpers/device.js';
import { assertRefused } from '../../helpers/refusal.js';

const test = suite('adapter');
const refusal = (name: string) =>
  openAdapter({ name }).then(
    () => new Error('none'),
    (error: Error) => error,
  );
const driverEnvironment = () => Object.entries(process.env).filter(([key]) => /^(VK|LP)_/.test(key));

test('the adapter is described by what the driver says of it', async () => {
  const { adapter, info, why } = await testGpu();
  assert.is(info.name, info.name.toLowerCase().trim());
  assert.ok(info.name && info.description && info.backend && why);
  assert.is(info.isSoftware, describeAdapter(adapter.info).isSoftware);
  assert.is(info.type, adapter.info.isFallbackAdapter ? 'CPU' : 'GPU');
  assert.is(info.limits['maxBufferSize'], adapter.limits.maxBufferSize);
  assert.equal(info.features, [...adapter.features].sort());
  assert.ok(info.wgslLanguageFeatures.includes('readonly_and_readwrite_storage_textures'));
});

test('the GPU object opens the same adapter again, for another device', async () => {
  const { info } = await testGpu();
  for (let i = 0; i < 2; i++) {
    const adapter = await testAdapter();
    assert.is(adapter.info.description, info.description);
    (await adapter.requestDevice()).destroy();
  }
});

test('each adapter listed has a name of its own, by which it opens', async () => {
  const reports = await listAdapters();
  assert.is(new Set(reports.map(({ name }) => name)).size, reports.length);
  for (const report of reports) {
    assert.equal((await openAdapter({ name: report.name.toUpperCase() })).info, report);
  }
});

test('hardware comes before software', async () => {
  const software = (await listAdapters()).map(({ isSoftware }) => Number(isSoftware));
  assert.equal(software, [...software].sort());
});

test('software and hardware are names too, and what is not there is refused with what is', async () => {
  const { name, isSoftware } = (await openAdapter()).info;
  assert.is((await openAdapter({ name: isSoftware ? 'software' : 'hardware' })).info.name, name);
  const error = await refusal('abacus');
  assert.instance(error, NoAdapterError);
  assert.match(error.message, /No adapter fits 'abacus'; found: /);
  assert.ok(error.message.includes(name));
  if (isSoftware) assert.match((await refusal('hardware')).message, /No adapter fits 'hardware'/);
});

test('opening leaves the environment as it was', async () => {
  const before = driverEnvironment();
  await openAdapter({ softwareThreads: 1 });
  assert.equal(driverEnvironment(), before);
});

test('Dawn flags reach the adapter that is opened', async () => {
  const { info } = await openAdapter({ dawnFlags: ['enable-dawn-features=allow_unsafe_apis'] });
  const plain = (await openAdapter()).info;
  assert.ok(info.features.length > plain.features.length);
});

test('a number of threads that is not a whole number is refused', async () => {
  for (const softwareThreads of [-1, 0.5, NaN]) {
    const error = await openAdapter({ softwareThreads }).then(
      () => assert.unreachable(),
      (e: Error) => e,
    );
    assert.instance(error, RangeError);
  }
});

test('options that do not exist, and a budget that is no number, are refused before a device is opened', async () => {
  await assertRefused(() => openGpu({ nmae: 'nvidia' } as never), /^openGpu has no option 'nmae'; did you mean name\?$/, TypeError);
  await assertRefused(() => openAdapter({ threads: 3 } as never), /^openAdapter has no option 'threads'/, TypeError);
  await assertRefused(() => openGpu({ memoryBudget: NaN }), /^memoryBudget must be a positive number, not NaN\.$/);
});

/** Opens an adapter in a process with other environment variables; what it said of it, or of its absence. */
function openElsewhere(env: NodeJS.ProcessEnv): Promise<string> {
  const module = new URL('../../../src/node/device/adapter.js', import.meta.url).href;
  const script = `
    import { openAdapter } from ${JSON.stringify(module)};
    console.log(await openAdapter().then(({ info, why }) => info.name + ': ' + why, String));`;
  return new Promise((resolve) => {
    execFile(process.execPath, ['--input-type=module', '-e', script], { env: { ...process.env, ...env } }, (_, stdout) =>
      resolve(stdout.trim()),
    );
  });
}

if (process.platform === 'linux') {
  test("the user's choice of drivers is obeyed and named when it gives none", async () => {
    const said = await openElsewhere({ VK_ICD_FILENAMES: '/none/such.json', VK_DRIVER_FILES: '', VK_ADD_DRIVER_FILES: '' });
    assert.match(said, /^NoAdapterError: No WebGPU adapter was found\./);
    assert.match(said, /Only what VK_ICD_FILENAMES=\/none\/such\.json gives was looked at/);
  });
}

if ((await findSwiftShader()) !== null && driverEnvironment().length === 0) {
  test('SwiftShader of the npm package is found where nothing else is', async () => {
    const said = await openElsewhere({ XDG_DATA_DIRS: '/none', XDG_CONFIG_DIRS: '/none', XDG_DATA_HOME: '/none' });
    assert.match(said, /^[\w-]+: /); // the system's own drivers in /etc may still come first
    assert.is((await openAdapter({ name: 'swiftshader' })).info.name, 'swiftshader');
  });
}

if ((await orNull(testGpu())) !== null) test.run();
