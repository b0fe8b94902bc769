/** Which test files are to notice a fault in a file: its mirror first, then those whose imports reach it, nearest first. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** The compiled files of a tree, as paths in `dist`, each with those it names: imports, workers, command lines. */
export function readGraph(root: string): Map<string, string[]> {
  const dist = join(root, 'dist');
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((file) => /^(src|shaders|test)\/.*\.js$/.test(file))
    .filter((file) => existsSync(join(root, file.replace(/\.js$/, '.ts')))); // else it is left of a source that is gone
  return new Map(
    files.map((file) => {
      const named = readFileSync(join(dist, file), 'utf8').matchAll(/'(\.{1,2}\/[^'\n]+\.js)'/g);
      return [file, Array.from(named, ([, name]) => join(dirname(file), name!)).filter((target) => files.includes(target))];
    }),
  );
}

/**
 * The test files that judge a file, with their distance: 0 for its mirror, else the number of imports between. For what
 * trains, whose every fault shows in the numbers of a step, those of the steppers and of the trainer count as direct. Those
 * of the command line come last among equals: they are slow, and see the numbers only as text.
 */
export function suitesOf(file: string, graph: ReadonlyMap<string, readonly string[]>): [suite: string, distance: number][] {
  const suites = new Map(mirrorsOf(file, graph).map((suite) => [suite, 0]));
  const seen = new Set([file]);
  for (let reached = [file], distance = 1; reached.length > 0; distance++) {
    reached = [...graph].filter(([from, to]) => !seen.has(from) && to.some((target) => reached.includes(target))).map(([from]) => from);
    for (const from of reached) {
      seen.add(from);
      const near = TRAINS.test(file) && TRAINING_TEST.test(from) ? 1 : from.startsWith('test/cli/') ? distance + 0.5 : distance;
      if (from.endsWith('.test.js') && !suites.has(from)) suites.set(from, near);
    }
  }
  return [...suites].sort(([a, near], [b, far]) => near - far || (a < b ? -1 : 1)).slice(0, MAX_SUITES);
}

const MAX_SUITES = 6;
const TRAINS = /^shaders\/|^src\/(steps|train)\//;
const TRAINING_TEST = /^test\/(steps|train)\//;

/** The tests of the same path, name.test and name.aspect.test; where there is none, those of the same name. */
function mirrorsOf(file: string, graph: ReadonlyMap<string, readonly string[]>): string[] {
  const path = join('test', file.replace(/^src\//, '').replace(/(\.wgsl)?\.js$/, ''));
  const suites = [...graph.keys()].filter((suite) => suite.endsWith('.test.js'));
  const stemOf = (suite: string) => suite.replace(/(\.[\w-]+)?\.test\.js$/, '');
  const exact = suites.filter((suite) => stemOf(suite) === path);
  return exact.length > 0 ? exact : suites.filter((suite) => basename(stemOf(suite)) === basename(path));
}
