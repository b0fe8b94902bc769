/** What a source or compiled file imports, types included. */
import { dirname, join } from 'node:path';
import ts from 'typescript';

/** Paths as `join` writes them for what is relative, beside `file`; names of packages as they are. */
export function importsOf(file: string, text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => resolveImport(file, fileName));
}

const resolveImport = (file: string, name: string) => (name.startsWith('.') ? join(dirname(file), name) : name);
