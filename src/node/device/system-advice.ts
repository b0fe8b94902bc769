/** What to install, on the system at hand, to get a WebGPU adapter. */
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { swiftShaderPackage } from './swiftshader.js';

/** What the advice depends on. */
export interface System {
  platform: NodeJS.Platform;
  arch: string;
  /** Fields of /etc/os-release (ID, ID_LIKE, VERSION_ID, PRETTY_NAME ...); empty elsewhere than on Linux. */
  osRelease: Readonly<Record<string, string>>;
  /** The C library is musl, for which the native WebGPU library is not built. */
  musl: boolean;
  container: boolean;
  /** An NVIDIA GPU is visible (its Vulkan driver need not be). */
  nvidia: boolean;
  /** Commands that install packages need `sudo`. */
  needsSudo: boolean;
}

/** Looks at this machine. The arguments stand in for it in tests. */
export function detectSystem(
  exists: (path: string) => boolean = existsSync,
  read: (path: string) => string = (path) => readFileSync(path, 'utf8'),
  glibcVersion: string = runtimeGlibcVersion(),
): System {
  const linux = process.platform === 'linux';
  return {
    platform: process.platform,
    arch: process.arch,
    osRelease: linux ? readOsRelease(read) : {},
    musl: linux && glibcVersion === '',
    container: exists('/.dockerenv') || exists('/run/.containerenv') || 'KUBERNETES_SERVICE_HOST' in process.env,
    nvidia: exists('/proc/driver/nvidia/version') || exists('/dev/nvidia0') || exists('/dev/nvidiactl'),
    needsSudo: process.getuid?.() !== 0,
  };
}

/** One paragraph: how to get an adapter on `system`. */
export function installAdvice(system: System = detectSystem()): string {
  if (system.platform === 'darwin') {
    return (
      'macOS has an adapter wherever Metal works. A virtual machine without a GPU has none: run on the host, in a Linux ' +
      'container with mesa-vulkan-drivers, or in a page of Chrome, which brings a software adapter along.'
    );
  }
  if (system.platform === 'win32') {
    return 'Windows 10 or later has an adapter through Direct3D 12: update Windows and the graphics driver.';
  }
  if (system.platform !== 'linux' || system.musl) return unloadableAdvice(undefined, system);
  return [system.nvidia ? nvidiaAdvice(system) : '', softwareAdvice(system)].filter(Boolean).join(' ');
}

/** How to let WebGPU use the NVIDIA GPU that is visible on `system`. */
export function nvidiaAdvice(system: System): string {
  const loader = packages(system)?.loader;
  const install = loader === undefined ? 'install the Vulkan loader (libvulkan.so.1)' : `run \`${loader}\``;
  return system.container
    ? `For the NVIDIA GPU, ${install} and start the container with the driver's graphics part ` +
        '(`--gpus all -e NVIDIA_DRIVER_CAPABILITIES=all`).'
    : `For the NVIDIA GPU, ${install} and the Vulkan part of the NVIDIA driver (libGLX_nvidia.so.0 and nvidia_icd.json).`;
}

function softwareAdvice(system: System): string {
  const driver = packages(system)?.driver ?? 'install a Vulkan loader (libvulkan.so.1) and the lavapipe driver of Mesa 24 or newer';
  const npm = system.arch === 'x64' ? `run \`npm install ${swiftShaderPackage}\` next to this package, or ` : '';
  return `To compute on the CPU, ${npm}${driver}.`;
}

/** The commands of this Linux distribution: for the Vulkan loader alone, and for the loader and software drivers. */
function packages(system: System): { loader: string; driver: string } | undefined {
  const { ID = '', ID_LIKE = '', VERSION_ID = '' } = system.osRelease;
  const version = parseFloat(VERSION_ID);
  const sudo = system.needsSudo ? 'sudo ' : '';
  const kinds = [ID, ...ID_LIKE.split(' ')];
  const is = (...ids: string[]) => ids.some((id) => kinds.includes(id));
  const apt = `${sudo}apt-get install -y`;
  if (ID === 'debian' && version < 13) {
    const tooOld = `(Debian ${VERSION_ID}'s own Mesa is too old)`;
    return {
      loader: `${apt} libvulkan1 libxext6`,
      driver:
        version < 12
          ? `use Debian 13 or newer ${tooOld}`
          : `enable bookworm-backports and run \`${apt} -t bookworm-backports mesa-vulkan-drivers libvulkan1\` ${tooOld}`,
    };
  }
  if (ID === 'ubuntu' && version < 24) {
    return {
      loader: `${apt} libvulkan1 libxext6`,
      driver: `use Ubuntu 24.04 or newer (Ubuntu ${VERSION_ID}'s own Mesa is too old)`,
    };
  }
  const command = (loader: string, driver: string) => ({ loader, driver: `run \`${loader} ${driver}\`` });
  if (is('debian', 'ubuntu')) return command(`${apt} libvulkan1`, 'mesa-vulkan-drivers');
  if (is('fedora', 'rhel')) return command(`${sudo}dnf install -y vulkan-loader`, 'mesa-vulkan-drivers');
  if (is('arch')) return command(`${sudo}pacman -S --noconfirm vulkan-icd-loader`, 'vulkan-swrast');
  if (is('suse', 'opensuse')) return command(`${sudo}zypper install -y libvulkan1`, 'libvulkan_lvp');
  return undefined;
}

/** Why the native WebGPU library did not load here, and on what it would. */
export function unloadableAdvice(cause?: unknown, system: System = detectSystem()): string {
  const { platform, arch, osRelease } = system;
  if (system.musl) {
    return (
      `WebGPU needs glibc, and ${osRelease['PRETTY_NAME'] ?? 'this system'} has musl: run on a glibc system, ` +
      'such as the container image node:22-trixie-slim in place of node:22-alpine.'
    );
  }
  const builds = 'linux x64 and arm64, macOS, and Windows x64 and arm64';
  const reason = cause instanceof Error ? `: ${cause.message.split('\n')[0]}` : '';
  return (
    `The native WebGPU library (npm package webgpu, built for ${builds}) does not load on ` +
    `${platform} ${release()} ${arch}${reason}. Reinstall it with \`npm install webgpu\` on this machine.`
  );
}

function readOsRelease(read: (path: string) => string): Record<string, string> {
  for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      const lines = read(path).matchAll(/^([A-Z_]+)=(["']?)(.*)\2$/gm);
      return Object.fromEntries(Array.from(lines, ([, key, , value]) => [key, value]));
    } catch {
      continue;
    }
  }
  return {};
}

/** Version of the glibc in use, '' if there is none. */
function runtimeGlibcVersion(): string {
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string | undefined } };
  return header.glibcVersionRuntime ?? '';
}
