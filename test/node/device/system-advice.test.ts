import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { detectSystem, installAdvice, type System, unloadableAdvice } from '../../../src/node/device/system-advice.js';

const linux = (osRelease: Record<string, string>, more: Partial<System> = {}): System => ({
  platform: 'linux',
  arch: 'x64',
  osRelease,
  musl: false,
  container: false,
  nvidia: false,
  needsSudo: false,
  ...more,
});
const debian12 = { ID: 'debian', VERSION_ID: '12' };

const advised: [string, System, RegExp, RegExp?][] = [
  [
    'Debian 12: the npm package or backports',
    linux(debian12),
    /`npm install @sparticuz\/chromium@147\.0\.0`.*bookworm-backports.*`apt-get install -y -t bookworm-backports mesa-vulkan-drivers/,
  ],
  ['Debian 11: the npm package or a newer Debian', linux({ ID: 'debian', VERSION_ID: '11' }), /@sparticuz.*use Debian 13/, /backports/],
  ['Debian 13: Mesa', linux({ ID: 'debian', VERSION_ID: '13' }), /`apt-get install -y libvulkan1 mesa-vulkan-drivers`/, /backports/],
  ['Debian testing, which has no version: Mesa', linux({ ID: 'debian' }), /`apt-get install -y libvulkan1 mesa-vulkan-drivers`/],
  ['Ubuntu 24.04: Mesa', linux({ ID: 'ubuntu', ID_LIKE: 'debian', VERSION_ID: '24.04' }), /libvulkan1 mesa-vulkan-drivers`/],
  ['Ubuntu 22.04: a newer one', linux({ ID: 'ubuntu', ID_LIKE: 'debian', VERSION_ID: '22.04' }), /use Ubuntu 24\.04 or newer/],
  ['Fedora', linux({ ID: 'fedora' }), /`dnf install -y vulkan-loader mesa-vulkan-drivers`/],
  ['a likeness of RHEL', linux({ ID: 'rocky', ID_LIKE: 'rhel centos fedora' }), /`dnf install -y vulkan-loader mesa-vulkan-drivers`/],
  ['Arch', linux({ ID: 'arch' }), /`pacman -S --noconfirm vulkan-icd-loader vulkan-swrast`/],
  ['openSUSE', linux({ ID: 'opensuse-leap', ID_LIKE: 'suse opensuse' }), /`zypper install -y libvulkan1 libvulkan_lvp`/],
  ['an unknown Linux: what to look for', linux({ ID: 'plan' }), /libvulkan\.so\.1\) and the lavapipe driver/],
  ['an ordinary user: sudo', linux({ ID: 'fedora' }, { needsSudo: true }), /`sudo dnf install/],
  ['arm64: no SwiftShader', linux({ ID: 'fedora' }, { arch: 'arm64' }), /To compute on the CPU, run `dnf/, /sparticuz/],
  [
    'Alpine: another image',
    linux({ ID: 'alpine', PRETTY_NAME: 'Alpine Linux v3.20' }, { musl: true }),
    /needs glibc, and Alpine Linux v3\.20 has musl.*node:22-trixie-slim/,
    /sparticuz/,
  ],
  [
    'NVIDIA in a container: loader and graphics capability',
    linux(debian12, { nvidia: true, container: true }),
    /For the NVIDIA GPU, run `apt-get install -y libvulkan1 libxext6` and .*NVIDIA_DRIVER_CAPABILITIES=all.*To compute on the CPU/,
  ],
  [
    'NVIDIA outside: loader and driver',
    linux({ ID: 'fedora' }, { nvidia: true }),
    /run `dnf install -y vulkan-loader` and the Vulkan part/,
  ],
  ['macOS', linux({}, { platform: 'darwin' }), /Metal/, /sparticuz|musl/],
  ['Windows', linux({}, { platform: 'win32' }), /graphics driver/, /sparticuz|musl/],
  ['another platform: where the native library is built for', linux({}, { platform: 'freebsd' }), /does not load on freebsd/],
];

for (const [name, system, present, absent] of advised) {
  test(`advice on ${name}`, () => {
    assert.match(installAdvice(system), present);
    if (absent) assert.not.match(installAdvice(system), absent);
  });
}

test('a native library that does not load is reported with the first line of the reason', () => {
  assert.match(unloadableAdvice(new Error('ld-linux: not found\nstack'), linux(debian12)), /: ld-linux: not found\. Reinstall/);
});

if (process.platform === 'linux') {
  const files: Record<string, string> = { '/usr/lib/os-release': 'NAME="A B"\nID=debian\nVERSION_ID=\'12\'\n# ID=no\n' };
  const read = (path: string) => {
    if (files[path] === undefined) throw new Error('ENOENT');
    return files[path];
  };

  test('the distribution is read from either os-release file, quotes removed', () => {
    assert.equal(detectSystem(() => false, read).osRelease, { NAME: 'A B', ID: 'debian', VERSION_ID: '12' });
    assert.equal(
      detectSystem(
        () => false,
        () => read(''),
      ).osRelease,
      {},
    );
  });

  test('musl is told by the absence of a glibc version', () => {
    assert.is(detectSystem(() => false, read, '2.36').musl, false);
    assert.is(detectSystem(() => false, read, '').musl, true);
  });

  test('an NVIDIA GPU and a container are told by their files', () => {
    const bare = detectSystem(() => false, read);
    const full = detectSystem((path) => ['/dev/nvidia0', '/.dockerenv'].includes(path), read);
    assert.equal([bare.nvidia, full.nvidia, full.container], [false, true, true]);
  });
}

test.run();
