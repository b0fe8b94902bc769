import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../../helpers/cli.js';

/** Writes to the descriptor as native code does, then through the console; ends with 3, or 4 if a descriptor is left open. */
const script = (setUp = '', within = '') => `
  import { readdirSync, writeSync } from 'node:fs';
  import { open } from 'node:fs/promises';
  import { filterStderr } from ${JSON.stringify(new URL('../../../src/node/device/stderr.js', import.meta.url).href)};
  console.error('first');
  ${setUp}
  const work = () => { writeSync(2, 'noise\\nwanted\\nnoise\\n'); ${within} };
  const nDescriptors = () => readdirSync('/proc/self/fd').length;
  const before = nDescriptors();
  await filterStderr(/^noise\\n/gm, work).catch((error) => console.error(error.message));
  const left = nDescriptors() - before;
  console.error('after');
  process.exit(left === 0 ? 3 : 4);`;
const FILTERED = 'first\nwanted\nafter\n';
const UNTOUCHED = 'first\nnoise\nwanted\nnoise\nafter\n';
const node = (code: string) => ['--input-type=module', '-e', code];
const folder = temporaryFolder();

/** What a shell's command, whose arguments run the script, leaves in the file $FILE; it is to end with the script's code. */
function inFile(command: string, code = script()): string {
  const file = join(folder, 'log');
  rmSync(file, { force: true });
  const { status } = spawnSync('bash', ['-o', 'pipefail', '-c', command, process.execPath, ...node(code)], {
    env: { ...process.env, FILE: file },
  });
  assert.is(status, 3);
  return readFileSync(file, 'utf8');
}

const PIPE = '"$0" "$@" 2>&1 >/dev/null | cat >"$FILE"';

if (process.platform === 'linux') {
  test('unwanted lines are taken out of a pipe and of a file that is appended to', () => {
    assert.is(inFile(PIPE), FILTERED);
    assert.is(inFile('echo before >"$FILE"; "$0" "$@" 2>>"$FILE"'), `before\n${FILTERED}`);
  });

  test('a file whose offset others share is left alone, and nothing in it is overwritten', () => {
    assert.is(inFile('{ "$0" "$@"; code=$?; echo behind >&2; } 2>"$FILE"; exit $code'), `${UNTOUCHED}behind\n`);
    assert.is(inFile('"$0" "$@" >"$FILE" 2>&1'), UNTOUCHED);
  });

  test('what the work wrote appears even if it throws, and so does the error', () => {
    assert.is(inFile(PIPE, script('', "throw new Error('thrown');")), 'first\nwanted\nthrown\nafter\n');
  });

  test('stderr is left alone while files are being read', () => {
    const reading =
      'const files = await Promise.all([1, 2, 3].map(() => open(process.execPath))); files.forEach((file) => void file.readFile());';
    assert.is(inFile(PIPE, script(reading)), UNTOUCHED);
  });
}

test('a socket is left alone', async () => {
  const child = spawn(process.execPath, node(script()), { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => void (text += part));
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (process.platform !== 'win32') assert.equal([code, text], [3, UNTOUCHED]);
});

test('it works where nobody reads stderr, and where it is closed', () => {
  const nothing = openSync('/dev/null', 'a');
  assert.is(spawnSync(process.execPath, node(script()), { stdio: ['ignore', 'ignore', nothing] }).status, 3);
  closeSync(nothing);
  assert.is(spawnSync('sh', ['-c', '"$0" "$@" 2>&-', process.execPath, ...node(script())]).status, 3);
  const late = script('await new Promise((resolve) => setTimeout(resolve, 300));');
  assert.is(spawnSync('sh', ['-c', '"$0" "$@" 2>&1 >/dev/null | true', process.execPath, ...node(late)], { timeout: 20_000 }).status, 0);
});

test.run();
