/** `npm run bench:page`: the page in Chromium beside Node, on the same SwiftShader. See docs/bench.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { CollabData, collabLearner, parseRatings, plantedRatings } from '../src/index.js';
import { openGpu } from '../src/node/device/device.js';
import { seconds, spread, summarise } from './measure.js';
import { PageBrowser, type Visit } from './page-browser.js';
import { environment, machine, render } from './report.js';
import { EPOCHS, LR_MAX } from './workload.js';

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    clicks: { type: 'string', default: '100' },
    help: { type: 'boolean', default: false },
  },
});
const rounds = Number(flags.rounds);
const clicks = Number(flags.clicks);
const whole = (value: number): boolean => Number.isInteger(value) && value > 0;
if (flags.help) {
  console.log(`npm run bench:page -- [options]
  --rounds N   trainings in the page and in Node, in turn (default: 3)
  --clicks N   films rated one after the other (default: 100)`);
} else if (!whole(rounds) || !whole(clicks)) {
  console.error('--rounds and --clicks must be whole numbers above 0.');
  process.exitCode = 1;
} else {
  const browser = await PageBrowser.open();
  if (typeof browser === 'string') {
    console.error(`Nothing was measured: ${browser}.`);
    process.exitCode = 1;
  } else {
    await main(browser).finally(() => browser.end());
  }
}

async function main(browser: PageBrowser): Promise<void> {
  const { gpu, info } = await openGpu({ name: 'swiftshader', quiet: true });
  console.log(machine(environment(info, 'wall clock')));
  const visit = await browser.visit({ hash: '' });
  await visit.trained();
  const sizes = (['page', 'worker'] as const).map((of) => {
    const bytes = browser.loaded(of === 'worker').map((file) => gzipSync(readFileSync(file), { level: 9 }).length);
    return { 'first load': of, 'gzip, kB': bytes.reduce((sum, size) => sum + size / 1000, 0) };
  });
  const zip = archive();
  if (zip) {
    const before = await visit.mark();
    await visit.page.locator('#file').setInputFiles({ name: 'ml-100k.zip', mimeType: 'application/zip', buffer: Buffer.from(zip) });
    await visit.trained(before);
  }
  const longWhileLoading = await longTasks(visit);

  const { columns } = zip ? await parseRatings(zip) : plantedRatings();
  const data = CollabData.fromArrays(columns, { validPct: 0.1, seed: 42 });
  const [inPage, inNode, long]: number[][] = [[], [], []];
  let mse = NaN;
  for (let round = 0; round < rounds; round++) {
    inPage.push(await trainInPage(visit));
    long.push(...(await longTasks(visit)));
    const learn = await collabLearner(data, { nFactors: 40, wd: 0.1, seed: 42, gpu: gpu.device });
    inNode.push(await seconds(async () => ({ mse } = await learn.fitOneCycle(EPOCHS, LR_MAX).then(() => learn.validate()))));
    learn.release();
  }
  const losses = await visit.validLosses();
  const timing = (values: readonly number[]) => ({ [`${EPOCHS} epochs, s`]: summarise(values).median, spread: spread(summarise(values)) });
  const longest = (tasks: readonly number[]) => ({ 'long tasks': tasks.length, 'longest, ms': Math.max(0, ...tasks) });
  const name = zip ? 'MovieLens-100K' : 'The planted set';
  console.log(
    render({
      title: `${name}, ${data.nTrain} ratings, batch 64, ${EPOCHS} epochs, trained ${rounds} times in each, on SwiftShader`,
      notes: ['Long tasks hold up the thread of the page for more than 50 ms; loading: from the start of the page to its second model.'],
      rows: [
        { where: 'page, loading', ...longest(longWhileLoading) },
        { where: 'page, training', ...timing(inPage), 'valid MSE': losses.at(-1)!, ...longest(long) },
        { where: 'Node', ...timing(inNode), 'valid MSE': mse.toFixed(6) },
      ],
    }),
  );

  const answers = await rate(visit, clicks);
  console.log(
    render({
      title: `A visitor rates ${clicks} films: from each click to the new list, ms`,
      notes: ['engine: fold-in and the ten best, to the worker and back. click: until they are in the document, with the reasons of each.'],
      rows: (['engine', 'click'] as const).map((what) => {
        const sorted = answers.map((each) => each[what]).sort((a, b) => a - b);
        const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
        return { what, p50: at(0.5), p95: at(0.95), max: at(1) };
      }),
    }),
  );

  console.log(render({ title: 'Sizes', notes: ['All that is loaded until the first model is trained.'], rows: sizes }));
  await visit.leave();
}

/** ml-100k.zip, as GroupLens has it; undefined where MOVIELENS_DIR is not set. */
function archive(): Uint8Array | undefined {
  const folder = process.env['MOVIELENS_DIR'];
  if (!folder) return undefined;
  const file = (name: string) => readFileSync(join(folder, 'ml-100k', name));
  return zipSync({ 'ml-100k/u.data': file('u.data'), 'ml-100k/u.item': file('u.item') });
}

/** Seconds from the first step to the last validation. */
async function trainInPage(visit: Visit): Promise<number> {
  await longTasks(visit);
  const before = await visit.mark();
  await visit.train();
  return visit.page.evaluate((from) => {
    const { said, saidAt } = globalThis as unknown as { said: string[]; saidAt: number[] };
    const at = (start: string) => saidAt[said.findIndex((each, k) => k >= from && each.startsWith(start))];
    return (at('Trained') - at('Training: epoch 1')) / 1000;
  }, before);
}

/** Durations of the long tasks since the last call, in ms. */
function longTasks({ page }: Visit): Promise<number[]> {
  return page.evaluate(() => (globalThis as unknown as { longTasks: number[] }).longTasks.splice(0));
}

/** Rates films one after the other, in the page; other films when all on offer are rated. */
function rate({ page }: Visit, count: number): Promise<{ click: number; engine: number }[]> {
  return page.evaluate(async (n) => {
    const note = () => document.querySelector<HTMLElement>('#list-note')!.innerText;
    const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
    const answers: { click: number; engine: number }[] = [];
    while (answers.length < n) {
      const film = document.querySelector('fieldset.film:not(:has(input:checked))');
      if (film === null) {
        const others = Array.from(document.querySelectorAll<HTMLElement>('#rate-ten button'), (button) => button);
        others.find(({ innerText }) => innerText === 'Ten others')!.click();
        await frame();
        continue;
      }
      const stars = film.querySelectorAll<HTMLElement>('label');
      const start = performance.now();
      const answered = new Promise<number>((resolve) => {
        const expected = new RegExp(`^${answers.length + 1} ratings? of yours`);
        const observer = new MutationObserver(() => {
          if (!expected.test(note())) return;
          observer.disconnect();
          resolve(performance.now());
        });
        observer.observe(document.querySelector('#rate-ten')!, { subtree: true, childList: true, characterData: true });
      });
      stars[(answers.length * 7) % stars.length].click();
      const click = (await answered) - start;
      const [, value, unit] = /answered in ([\d.]+) (ms|s)/.exec(note())!;
      answers.push({ click, engine: Number(value) * (unit === 's' ? 1000 : 1) });
      await frame();
    }
    return answers;
  }, count);
}
