/** A real, headless Chromium: the one inside @sparticuz/chromium, with its SwiftShader, or the one that DOTBIAS_CHROMIUM names. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

export interface Chromium {
  executable: string;
  env: Record<string, string | undefined>;
}

const cache = fileURLToPath(new URL('../../../node_modules/.cache/dotbias', import.meta.url));

/** Why there is none; ends a sentence. */
export const NO_CHROMIUM = 'the Chromium of @sparticuz/chromium is for Linux x64, and DOTBIAS_CHROMIUM names no other';

/** Null where there is none. Unpacks it the first time, which takes seconds, into node_modules. WebGPU needs `--enable-unsafe-webgpu`. */
export function findChromium(): Chromium | null {
  const named = process.env['DOTBIAS_CHROMIUM'];
  if (named) return { executable: named, env: process.env };
  if (process.platform !== 'linux' || process.arch !== 'x64') return null;
  const entry = dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium'));
  const home = ['..', '../..'].map((up) => join(entry, up)).find((folder) => existsSync(join(folder, 'bin')))!;
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version: string };
  const folder = join(cache, `chromium-${version}`);
  if (!existsSync(folder)) unpack(join(home, 'bin'), folder);
  const libraries = [folder, join(folder, 'lib'), join(folder, 'al2023/lib')].filter(existsSync);
  return {
    executable: join(folder, 'chromium'),
    env: { ...process.env, LD_LIBRARY_PATH: libraries.join(':'), FONTCONFIG_PATH: folder },
  };
}

/** Unpacks beside the folder first, since another process may do the same. */
function unpack(packed: string, folder: string): void {
  mkdirSync(cache, { recursive: true });
  const made = mkdtempSync(`${folder}-`);
  const bytes = (name: string) => brotliDecompressSync(readFileSync(join(packed, name)));
  writeFileSync(join(made, 'chromium'), bytes('chromium.br'), { mode: 0o755 });
  for (const name of ['swiftshader', 'al2023', 'fonts']) execFileSync('tar', ['x', '-C', made], { input: bytes(`${name}.tar.br`) });
  // Theirs names no folder that exists, and without any font a text field ends Chromium.
  writeFileSync(
    join(made, 'fonts.conf'),
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>/usr/share/fonts</dir><dir>${folder}/fonts</dir><cachedir>${folder}/font-cache</cachedir></fontconfig>\n`,
  );
  try {
    renameSync(made, folder);
  } catch (error) {
    rmSync(made, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
}
