/** The page trains: by itself, with other settings, stopped, and after the device was lost. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CollabData, collabLearner, NoAdapterError, plantedRatings } from '../src/index.js';
import { openGpu } from '../src/node/device/device.js';
import { QUICK, type Visit } from '../bench/page-browser.js';
import { openPages, visiting } from './helpers/page.js';

const test = suite('page: training');
const browser = await openPages('the page: training');

/** Validation losses of the page's own settings in Node, on SwiftShader as in Chromium; null where Node has none. */
async function inNode(epochs: number): Promise<string[] | null> {
  const opened = await openGpu({ name: 'swiftshader' }).catch((error: unknown) => {
    if (error instanceof NoAdapterError) return null;
    throw error;
  });
  if (opened === null) return null;
  const data = CollabData.fromArrays(plantedRatings().columns, { validPct: 0.1, seed: 42 });
  const learn = await collabLearner(data, { nFactors: 40, wd: 0.1, seed: 42, gpu: opened.gpu.device });
  await learn.fitOneCycle(epochs, 0.01);
  learn.release();
  return learn.history.epochs.map(({ validLoss }) => validLoss.toFixed(6));
}

/** Starts a long training, of which an epoch is over now: what the page said before it, and the losses of a short one that was whole. */
async function amidTraining(visit: Visit): Promise<{ whole: string[]; before: number }> {
  await visit.train();
  const whole = await visit.validLosses();
  await visit.page.locator('#knob-epochs').fill('200');
  const before = await visit.mark();
  await visit.page.locator('#train-button').click();
  await visit.says(/^Training: epoch 2 /, before);
  return { whole, before };
}

if (browser) {
  test.after(() => browser.end());
  test('the page opens, and trains the planted set by itself, in a worker, to the figures of Node on the same adapter', async () => {
    const visit = await browser.visit({ hash: '' });
    await visit.says(/^Training: epoch 3 /);
    await visit.picture('training', false);
    await visit.trained();
    const losses = await visit.validLosses();
    assert.is(losses.length, 5);
    assert.match(await visit.text('#data-line'), /100,000 ratings of .* by 943 people, 10,000 of them held out/);
    assert.ok(visit.page.workers().some((worker) => worker.url().startsWith(browser.address)));
    await visit.picture('desktop');
    const asked = await visit.page.evaluate(() => (globalThis as unknown as { devicesAsked: number }).devicesAsked);
    assert.is(asked, 0, 'no device is opened by the thread of the page');

    const sizes = [false, true].map((isOfWorker) =>
      browser.loaded(isOfWorker).reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0),
    );
    console.log(`\nnote: the first load, gzipped: ${sizes[0]} bytes for the page, ${sizes[1]} for its worker`);
    assert.ok(sizes[0]! > 20_000 && sizes[0]! <= 60_000, 'the page is at most 60 kB');
    assert.ok(sizes[1]! > 20_000 && sizes[1]! <= 60_000, 'the worker is at most 60 kB');
    await visit.leave();

    const there = await inNode(5);
    if (there) assert.equal(losses, there);
    else console.log('\nskipped: the figures of the page beside those of Node; Node has no SwiftShader here');
  });

  const visit = visiting(test, browser);

  visit('the LR finder draws its curve; a click in it, a suggestion and the arrow keys set the rate', async (visit) => {
    const { page } = visit;
    const rate = () => page.locator('#knob-lr').inputValue();
    const curve = page.locator('#rate-slider .u-over');
    const { width, height } = (await curve.boundingBox())!;
    await curve.click({ position: { x: width / 2, y: height / 2 } });
    const half = Number(await rate()); // the axis runs from 1e-7 to 10
    assert.ok(half > 0.0007 && half < 0.0014, `${half}`);
    await visit.addressHas(`lr=${half}`);

    await page.locator('#rate-slider').press('ArrowRight');
    assert.ok(Number(await rate()) / half > 1.1 && Number(await rate()) / half < 1.5);
    await page.locator('#rate-slider').press('PageDown');
    assert.ok(Number(await rate()) < half / 5);

    const valley = page.locator('#find-rate .chips button').first();
    await valley.click();
    assert.is(await valley.getAttribute('aria-pressed'), 'true');

    const before = await visit.mark();
    await page.locator('#find-button').click();
    await visit.says(/^The curve of learning rates is drawn/, before);
    assert.ok((await page.locator('#find-rate details tbody tr').count()) > 50, 'the curve has its table');
    assert.is(await visit.text('#train-button'), 'Train again', 'the model is still there');
  });

  visit('settings go into the address, and a visit to it gives the same result', async (visit) => {
    const { page } = visit;
    await visit.train();
    const usual = await visit.validLosses();
    await page.locator('#knob-seed').fill('7');
    await page.locator('#knob-range').fill('0.5 to 5.5');
    await page.locator('#knob-bias').click();
    await page.locator('#knob-epochs').fill('2');
    await page.locator('#knob-epochs').press('Enter');
    await visit.says(/^Trained: 2 epochs/);
    const changed = await visit.validLosses();
    assert.is(changed.length, 2);
    assert.is.not(changed[0], usual[0]);
    await visit.addressHas('epochs=2');
    const { hash } = new URL(page.url());

    await page.reload();
    await visit.says(/^Trained: 2 epochs/);
    assert.equal(await visit.validLosses(), changed);
    assert.is(new URL(page.url()).hash, hash);
    assert.is(await page.locator('#knob-bias').isChecked(), false);

    await page.locator('#reset-button').click();
    assert.is(await page.locator('#knob-epochs').inputValue(), '5');
    await visit.addressHas('');
  });

  visit('a setting that cannot be is refused in a sentence, and nothing trains until it is mended', async (visit) => {
    const { page } = visit;
    const said = await visit.mark();
    for (const [knob, wrong, refusal] of [
      ['factors', '0', /^Factors must be a whole number from 1 to \d+, not 0\.$/],
      ['factors', '-3', /not -3\.$/],
      ['epochs', '1.5', /^Epochs must be a whole number .* not 1\.5\.$/],
      ['lr', '', /^The learning rate must be .*, not nothing\.$/],
      ['wd', 'much', /^Weight decay must be .*, not much\.$/],
      ['range', '5 to 1', /^The range must be /],
    ] as const) {
      const field = page.locator(`#knob-${knob}`);
      const right = await field.inputValue();
      await field.fill(wrong);
      assert.match(await visit.text(`#knob-${knob}-hint`), refusal);
      assert.is(await field.getAttribute('aria-invalid'), 'true');
      await field.press('Enter');
      await page.locator('#train-button').click({ force: true });
      await field.fill(right);
      assert.is(await field.getAttribute('aria-invalid'), 'false');
    }
    assert.is(await visit.mark(), said, 'nothing was done');
    await visit.train();
  });

  test('an address with a setting that cannot be opens the page, which refuses it', async () => {
    const visit = await browser.visit({ hash: '#factors=x&epochs=1&batch=256&unknown=1' });
    await visit.reads('#knob-factors-hint', /^Factors must be a whole number from 1 to \d+, not x\.$/);
    await visit.says(/Correct the settings, then train/);
    await visit.page.locator('#knob-factors').fill('4');
    await visit.train();
    await visit.leave();
  });

  test('a batch larger than the ratings is refused in a sentence, not with another device, and can be mended', async () => {
    const visit = await browser.visit({ hash: '#epochs=1&factors=8&batch=1000000' });
    assert.match(await visit.reads('#problem', /./), /^batchSize 1000000 is larger than the 90000 training ratings.* use at most 90000\.$/);
    await visit.page.locator('#knob-batch').fill('256');
    await visit.train();
    await visit.leave();
  });

  test('ratings that a link brings are taken where they lie on the scale of the others', async () => {
    const visit = await browser.visit({ hash: `${QUICK}&of=planted&rated=1606:99999,172:-50,1217:5,1307:${'9'.repeat(400)},<img>:3,5` });
    assert.match(await visit.reads('#list-note', /of yours/), /^1 rating of yours/);
    await visit.leave();
  });

  visit('a training is stopped half-way, and the next one is as if that had not been', async (visit) => {
    const { page } = visit;
    const { whole, before } = await amidTraining(visit);
    await page.locator('#stop-button').click();
    await visit.says(/^Stopped/, before);
    const made = (await visit.validLosses()).length;
    assert.ok(made >= 1 && made < 200, `${made} epochs`);
    await page.locator('#knob-epochs').fill('1');
    await visit.train();
    assert.equal(await visit.validLosses(), whole);
  });

  visit('a double click on Train trains once', async (visit) => {
    await visit.train();
    const once = await visit.validLosses();
    const before = await visit.mark();
    await visit.page.locator('#train-button').dblclick();
    await visit.trained(before);
    assert.equal(await visit.validLosses(), once);
    await visit.page.locator('#knob-epochs').fill('2');
    const between = await visit.mark();
    await visit.train();
    const said = await visit.page.evaluate((from) => (globalThis as unknown as { said: string[] }).said.slice(from), between);
    assert.is(said.filter((each) => each.startsWith('Trained')).length, 1);
  });

  visit('the device is lost amid a training, and the page opens it again and trains anew', async (visit) => {
    const { page } = visit;
    const { whole, before } = await amidTraining(visit);
    await page.locator('#knob-epochs').fill('1');
    const crash = await browser.browser.newBrowserCDPSession();
    await crash.send('Browser.crashGpuProcess').catch(() => undefined);
    await visit.says(/^The GPU was lost/, before);
    await visit.trained(before);
    assert.equal(await visit.validLosses(), whole);
  });
}

test.run();
