/** A copy of the tree to put faults into, with a home and a folder for temporary files of its own. */
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runFile, type FileResult } from '../helpers/run-file.js';

export class Copy {
  readonly path: string;
  constructor(root: string, path: string) {
    this.path = path;
    mkdirSync(join(this.path, 'tree'), { recursive: true });
    for (const entry of readdirSync(root)) {
      if (entry !== 'dist') symlinkSync(join(root, entry), join(this.path, 'tree', entry));
    }
    cpSync(join(root, 'dist'), join(this.path, 'tree/dist'), { recursive: true });
    this.clear();
  }

  /** Empties its home, but for what `from` has there: a fault may have left anything. */
  clear(from?: Copy): void {
    for (const folder of ['home', 'tmp']) {
      rmSync(join(this.path, folder), { recursive: true, force: true });
      mkdirSync(join(this.path, folder));
    }
    if (from) cpSync(join(from.path, 'home'), join(this.path, 'home'), { recursive: true });
  }

  /** Puts a compiled file in place of its own. */
  write(file: string, text: string): void {
    writeFileSync(join(this.path, 'tree/dist', file), text);
  }

  /** Runs a compiled test file. */
  run(suite: string, timeoutSeconds: number): Promise<FileResult> {
    const folders = {
      HOME: join(this.path, 'home'),
      TMPDIR: join(this.path, 'tmp'),
      XDG_CACHE_HOME: undefined,
      DOTBIAS_CACHE_DIR: undefined,
    };
    const env = { ...process.env, ...folders };
    return runFile(join(this.path, 'tree/dist', suite), { cwd: join(this.path, 'tree'), env, timeoutSeconds });
  }
}
