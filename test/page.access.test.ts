/** The page for everybody: by keyboard, read aloud, in the dark, on a phone, without network, and without WebGPU. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ofPage, PageBrowser, type Visit } from '../bench/page-browser.js';
import { openPages, visiting } from './helpers/page.js';

const test = suite('page: access');
const browser = await openPages('the page: access');

interface Finding {
  id: string;
  nodes: { html: string; failureSummary: string }[];
}

/** What axe finds wrong with the page as it stands. */
async function findings({ page }: Visit): Promise<string[]> {
  await page.evaluate(readFileSync(ofPage.resolve('axe-core/axe.min.js'), 'utf8'));
  const found = await page.evaluate<Finding[]>('axe.run().then(({ violations }) => violations)');
  return found.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`));
}

/** Presses Tab until the focus is on an element like this, as many times as it takes. */
async function tabTo({ page }: Visit, selector: string): Promise<void> {
  for (let presses = 0; presses < 150; presses++) {
    await page.keyboard.press('Tab');
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
  }
  throw new Error(`Tab does not lead to ${selector}.`);
}

/** Scrolls all sections in, which loads them, and opens their tables. */
async function openAll(visit: Visit): Promise<void> {
  const { page } = visit;
  for (const [section, content] of [
    ['#map', /Nearest to/],
    ['#honesty', /Rating minus prediction/],
    ['#take-away', /PyTorch/],
  ] as const) {
    await page.locator(section).scrollIntoViewIfNeeded();
    await visit.reads(section, content);
  }
  await page.evaluate(() => document.querySelectorAll('details').forEach((each) => (each.open = true)));
}

if (browser) {
  test.after(() => browser.end());
  const visit = visiting(test, browser);

  visit('by keyboard alone: train, set a rate, rate a film, take the rating back', async (visit) => {
    const { page } = visit;
    const before = await visit.mark();
    await tabTo(visit, '#train-button');
    await page.keyboard.press('Enter');
    await visit.trained(before);
    await tabTo(visit, '#rate-slider');
    await page.keyboard.press('ArrowRight');
    assert.is(await page.locator('#knob-lr').inputValue(), '0.013');
    await tabTo(visit, 'fieldset.film input[type=radio]');
    await page.keyboard.press('Space');
    await visit.reads('#list-note', /^1 rating of yours/);
    const one = await visit.text('#list');
    for (let k = 0; k < 4; k++) await page.keyboard.press('ArrowRight');
    await page.waitForFunction((text) => document.querySelector<HTMLElement>('#list')?.innerText !== text, one, { timeout: 60_000 });
    await tabTo(visit, 'fieldset.film .clear');
    await page.keyboard.press('Enter');
    await visit.reads('#list-note', /^The bias/);
  });

  visit('axe finds nothing wrong: in light, in dark, on a narrow window, which does not scroll sideways', async (visit) => {
    const { page } = visit;
    await page.locator('fieldset.film label').nth(4).click();
    await visit.reads('#list-note', /^1 rating of yours/);
    await openAll(visit);
    assert.equal(await findings(visit), []);
    await page.emulateMedia({ colorScheme: 'dark' });
    assert.equal(await findings(visit), []);
    await visit.picture('dark-all');
    await page.setViewportSize({ width: 390, height: 844 });
    assert.equal(await findings(visit), []);
    assert.is(await page.evaluate(() => document.documentElement.scrollWidth), 390);
    await page.emulateMedia({ colorScheme: 'light' });
    await visit.picture('narrow-all');
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  visit('without network it trains on, and answers', async (visit) => {
    await visit.context.setOffline(true);
    await visit.train();
    await visit.page.locator('fieldset.film').nth(1).locator('label').first().click();
    await visit.reads('#list-note', /^2 ratings of yours/);
    await visit.context.setOffline(false);
  });

  test('a part of the page that does not come without network says so', async () => {
    const visit = await browser.visit();
    await visit.trained();
    await visit.context.setOffline(true);
    await visit.page.locator('#take-away').scrollIntoViewIfNeeded();
    await visit.reads('#take-away', /could not be loaded/);
    assert.ok(
      visit.faults.every((fault) => /request failed|Failed to load|ERR_INTERNET_DISCONNECTED/.test(fault)),
      visit.faults.join('\n'),
    );
    visit.faults.length = 0;
    await visit.leave();
  });

  test('without WebGPU it says which browsers have it, trains nothing, and is in order', async () => {
    const without = await PageBrowser.open(false);
    if (typeof without === 'string') return console.log(`\nskipped: the page without WebGPU; ${without}`);
    try {
      const visit = await without.visit();
      const advice = await visit.reads('#unsupported', /\S/);
      for (const name of ['Chrome', 'Safari', 'Firefox']) assert.match(advice, name);
      const said = await visit.mark();
      await visit.page.locator('#train-button').click({ force: true });
      await visit.page.locator('#find-button').click({ force: true });
      assert.equal(await findings(visit), []);
      assert.is(await visit.mark(), said);
      await visit.picture('unsupported', false);
      await visit.leave();
    } finally {
      await without.end();
    }
  });
}

test.run();
