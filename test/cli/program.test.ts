/** What holds for all commands and options, whatever they are. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createProgram, execute } from '../../src/cli/program.js';
import { temporaryFolder, writeRatings } from '../helpers/cli.js';
import { testAdapterName } from '../helpers/device.js';
import { sharedGpu } from '../helpers/gpu.js';

const test = suite('all commands');
await sharedGpu();

const folder = temporaryFolder();
const ratings = join(folder, 'ratings.csv');
writeRatings(ratings);

/** Runs `dotbias` in this process, and returns what it wrote to stderr; not two at a time. */
async function run(...args: string[]): Promise<{ code: number; stderr: string }> {
  let stderr = '';
  const { log, error } = console;
  const program = createProgram();
  for (const command of [program, ...program.commands]) command.configureOutput({ writeErr: (text) => void (stderr += text) });
  Object.assign(console, { log: () => undefined, error: (text: string) => void (stderr += `${text}\n`) });
  try {
    await execute(args, program);
    return { code: Number(process.exitCode ?? 0), stderr };
  } finally {
    Object.assign(console, { log, error });
    process.exitCode = 0;
  }
}

const all = createProgram().commands.flatMap((command) => command.options.map((option): [Command, Option] => [command, option]));
const flagOf = ({ long, short }: Option) => (long ?? short)!;

/** Whether the parser of an option takes a text. */
function takes({ parseArg }: Option, text: string): boolean {
  try {
    return parseArg?.(text, undefined) !== undefined;
  } catch {
    return false;
  }
}

const isWhole = (option: Option) => takes(option, '7') && !takes(option, '1.5') && !takes(option, 'x');
const isReal = (option: Option) => (takes(option, '0.5') || takes(option, '0,1')) && !takes(option, 'x');
const names = (wanted: (option: Option) => boolean) =>
  all.flatMap(([command, option]) => (wanted(option) ? `${command.name()} ${flagOf(option)}` : []));

test('an old flag is answered with its new name wherever it was taken', async () => {
  let nAnswered = 0;
  for (const { name, options } of createProgram().commands.map((command) => ({ name: command.name(), options: command.options }))) {
    for (const [old, now] of [
      ['--recipe', '--preset'],
      ['--path', '--stepper'],
    ]) {
      if (!options.some(({ long }) => long === now)) continue;
      for (const args of [[old, 'best'], [`${old}=best`], [old]]) {
        assert.equal(await run(name, ...args), { code: 1, stderr: `error: ${old} is now ${now}.\n` });
        nAnswered++;
      }
    }
  }
  assert.is(nAnswered, 3 * 2 * 3, 'train, lr-find and evaluate');
});

test('every whole number has an upper bound, which the refusal of a larger one names', async () => {
  const found = names(isWhole);
  for (const name of ['train --epochs', 'train --factors', 'lr-find --steps', 'evaluate --seeds', 'recommend -n', 'wgsl --factors'])
    assert.ok(found.includes(name), name);
  for (const [command, option] of all.filter(([, each]) => isWhole(each))) {
    const { stderr } = await run(command.name(), flagOf(option), '1000000000000');
    assert.match(stderr, /^error: option '.+' argument '1000000000000' is invalid\. Use a whole number from \d+ to \d+\.\n$/);
    assert.ok(stderr.includes(flagOf(option)), stderr);
  }
  const { stderr: parts } = await run('sweep', '--shard', '1/1000000000000');
  assert.match(parts, /^error: option '--shard .* Use at most \d+ parts\.\n$/);
});

test('a number that float32 cannot hold is refused', async () => {
  const found = names(isReal);
  for (const name of ['train --lr', 'train --eps', 'train --y-range', 'evaluate --threshold']) assert.ok(found.includes(name), name);
  for (const [command, option] of all.filter(([, each]) => isReal(each))) {
    const huge = takes(option, '0.5') ? '1e39' : '0,1e39';
    const { stderr } = await run(command.name(), flagOf(option), huge);
    assert.match(stderr, /^error: option '.+' argument '.+' is invalid\. Use [^\n]+\.\n$/);
    assert.ok(stderr.includes(flagOf(option)), stderr);
  }
});

// Those that compute get the adapter of the tests.
const adapter = testAdapterName.name === undefined ? [] : ['--adapter', testAdapterName.name];

const undated = join(folder, 'undated.csv');
writeFileSync(undated, 'user,item,rating,date\n1,1,5,2020-01-01\n1,1,4,\n');

const wrong: [args: string, message: RegExp][] = [
  ['train --epochs 1.5', /'--epochs <n>' argument '1\.5' is invalid\. Use a whole number from 1 to 10000000\./],
  ['train --lr', /argument missing/],
  ['train --preset fastai3', /Allowed choices are fastai1, fastai2/],
  ['train --batchsize 3', /unknown option '--batchsize' \(Did you mean --batch-size\?\)\n/],
  ['train --ratings r.csv', /^error: --ratings is the default .* only --no-ratings; the ratings to train on are named with --data\.\n/],
  ['train --bias', /^error: --bias is the default and needs no flag: there is only --no-bias\.\n/],
  ['train ratings.csv', /too many arguments/],
  ['trane', /unknown command 'trane'/],
  ['train --train-file a', /--train-file needs --valid-file/],
  [`train --out ${folder}`, /is a folder/],
  [`train --report ${ratings}/report`, /is not a folder/],
  [`train --data ${join(folder, 'nowhere.csv')}`, /nowhere\.csv: There is no such file/],
  [`train --data ${ratings} --batch-size 2701`, /^error: --batch-size 2701 is larger than the 2700 training ratings/],
  [`train --data ${ratings} --epochs 250000`, /^error: --epochs must be at most 238095 here, not 250000: .* has 42\.\n/],
  [`evaluate --data ${ratings} --valid-pct 0`, /^error: --valid-pct 0 of 3000 ratings leaves none to test on/],
  [`evaluate --data ${ratings} --protocol leave-last`, /^error: The protocol leave-last needs timestamps/],
  [
    `evaluate --data ${undated} --protocol by-time`,
    /by-time needs timestamps, .* none: .*undated\.csv:3: column date: the timestamp is missing, so .*\n$/,
  ],
  [`train --data ${undated} --duplicates error`, /^error: User 1 rates item 1 twice, .* or pass --duplicates keep to train on each/m],
  ['lr-find --start-lr 1 --end-lr 0.1', /^error: --end-lr 0\.1 must be greater than --start-lr 1\.\n$/],
  ['train --data planted --adapter abacus', /No adapter fits 'abacus'/],
  ['wgsl nothing', /There is no kernel 'nothing'/],
];
for (const [args, message] of wrong) {
  test(`refused in one sentence, with exit code 1: ${args.replaceAll(folder, '')}`, async () => {
    const { code, stderr } = await run(...args.split(' '), ...(args.includes('--data') && !args.includes('--adapter') ? adapter : []));
    assert.is(code, 1);
    // Notes about the data may come before.
    assert.match(stderr, /^((?!error: )[^\n]+\.\n)*error: [^\n]+\n$/);
    assert.match(stderr, message);
  });
}

/** What people and scripts put where a number, a name or a path should be. */
const VALUES =
  `|  3|0x10|1e9|1e400|-1|-0|NaN|-Infinity|--|\u0661\u0662|0,5|5,0|0,5,5|.5|5.|+3|1_000|1,000|true|null|none|%s|{}|__proto__|1n`.split('|');
VALUES.push(' ', '\u001b]0;x\u0007', 'a\nb', '\r', '\u202ex', '9'.repeat(400), 'x'.repeat(100_000));
/** Options of what is written, which have checks of their own, or need the disk. */
const WRITES = ['--out', '--report', '--history', '--plots', '--map', '--checkpoint-dir', '--summary'];

test('whatever the value of whatever option, a refusal is one line of safe characters that names no option of the API', async () => {
  const needs: Record<string, string[]> = {
    train: ['--data', '/none'],
    'lr-find': ['--data', '/none'],
    evaluate: ['--data', '/none'],
    describe: ['--data', '/none'],
    fetch: ['ml-latest'],
    sweep: ['/none'],
    recommend: ['--model', '/none', '--user', '1'],
    explain: ['--model', '/none'],
    import: ['/none', '--users', '/none', '--items', '/none', '--y-range', '0,5', '--out', join(folder, 'never')],
  };
  let nRuns = 0;
  for (const [command, option] of all) {
    const name = command.name();
    const flag = flagOf(option);
    if (name === 'info' || WRITES.includes(flag)) continue;
    for (const value of option.required ? VALUES : ['']) {
      const given = option.required ? [`${flag}${flag.startsWith('--') ? '=' : ''}${value}`] : [flag];
      const others = (needs[name] ?? []).filter((each, k, list) => ![each, list[k - 1]].includes(flag));
      const { code, stderr } = await run(name, ...others, ...given);
      if (name === 'wgsl' && code === 0) continue;
      const what = `${name} ${flag} ${value.slice(0, 50)}: ${stderr.slice(0, 200)}`;
      assert.is(code, 1, what);
      assert.match(stderr, /^error: [^\n]{1,1000}\n$/, what);
      assert.not(/[^\P{Cc}\n]|[\u2028-\u202e\u2066-\u2069]|\b[a-z]+[A-Z]\w*:? (must|is|\d)/u.test(stderr), what);
      nRuns++;
    }
  }
  assert.ok(nRuns > 1500, String(nRuns));
});

const EXTREME: string[][] = [
  ...['--wd', '--wd-bias', '--eps', '--lr'].map((flag) => ['train', flag, '1e38']),
  ...['--y-range', '--rating-range'].map((flag) => ['train', `${flag}=-1e38,1e38`]),
  ['train', '--epochs', '10000000'],
  ['train', '--batch-size', '10000000'],
  ['train', '--patience', '10000000', '--keep-last', '10000000'],
  ['train', '--user-column', '1000000000000'],
  ['train', '--valid-pct', '0.9999999'],
  ['lr-find', '--start-lr', '1e37', '--end-lr', '1e38'],
  ['evaluate', '--protocol', 'kfold', '--folds', '10000'],
  ['evaluate', '--protocol', 'by-user', '--given', '1000000', '--folds', '2'],
  ['evaluate', '--top-k', '1000000'],
  ['evaluate', '--top-k', '5', '--threshold', '1e38'],
];
for (const [command, ...flags] of EXTREME) {
  test(`the largest value works, or is refused in one sentence: ${command} ${flags.join(' ')}`, async () => {
    const quick = command === 'lr-find' ? ['--steps', '7'] : flags.includes('--epochs') ? [] : ['--epochs', '1'];
    const { code, stderr } = await run(command, '--data', ratings, '--factors', '4', ...quick, ...flags, ...adapter);
    // Notes about the data may come before.
    assert.match(stderr, code === 0 ? /^(?!error)([^\n]+\.\n)*$/ : /^([^\n]+\.\n)*error: [^\n]+\.\n$/);
    assert.not.match(stderr, 'defect');
  });
}

test.run();
