/** What a visitor does with the page: brings ratings, rates films, looks at the map and at the errors, and takes the model home. */
import { readFileSync } from 'node:fs';
import { strToU8, zipSync } from 'fflate';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Visit } from '../bench/page-browser.js';
import { openPages, visiting } from './helpers/page.js';

const test = suite('page: the visitor');
const browser = await openPages('the page: the visitor');

/** An archive shaped as ml-latest-small.zip: 60 people, 40 films, 1,200 ratings. @param titleOf the title of film k */
function archive(titleOf = (k: number) => `Film, The ${k + 1}th (19${50 + k})`): Uint8Array {
  const films = Array.from({ length: 40 }, (_, k) => `${k + 1},"${titleOf(k)}",Drama|Comedy`);
  const ratings = Array.from({ length: 1200 }, (_, k) => {
    const [user, film] = [k % 60, (7 * Math.floor(k / 60) + 3 * (k % 60)) % 40];
    return `${user + 1},${film + 1},${1 + ((user * film + film) % 9) / 2},${9e8 + k}`;
  });
  return zipSync({
    'ml-latest-small/movies.csv': strToU8(['movieId,title,genres', ...films, ''].join('\r\n')),
    'ml-latest-small/ratings.csv': strToU8(['userId,movieId,rating,timestamp', ...ratings, ''].join('\r\n')),
    'ml-latest-small/README.txt': strToU8('Not ratings.'),
  });
}

/** Drops a file, as a hand does. */
async function drop({ page }: Visit, name: string, bytes: Uint8Array): Promise<void> {
  await page.evaluate(
    ([file, content]) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([new Uint8Array(content)], file));
      document.querySelector('main')!.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    },
    [name, Array.from(bytes)] as const,
  );
}

if (browser) {
  test.after(() => browser.end());
  const visit = visiting(test, browser);
  const films = 'fieldset.film';
  /** Rates one of the films that are offered, and waits for the list that answers it. */
  const rate = async (visit: Visit, film: number, stars: number, answer: RegExp) => {
    await visit.page
      .locator(films)
      .nth(film)
      .locator('label')
      .nth(stars - 1)
      .click();
    await visit.reads('#list-note', answer);
  };

  /** Has two films rated. */
  const rateTwo = async (visit: Visit) => {
    if ((await visit.text('#list-note')).startsWith('2 ratings')) return;
    await rate(visit, 0, 5, /^1 rating of yours/);
    await rate(visit, 1, 1, /^2 ratings of yours/);
  };

  visit('a rating folds the visitor in; the list answers each, says why, and can leave the taste out', async (visit) => {
    const { page } = visit;
    const titles = () => page.locator('#list .title').allInnerTexts();
    await visit.reads('#list-note', /^The bias of each film/);
    const everybody = await titles();
    assert.is(everybody.length, 10);
    await rate(visit, 0, 5, /^1 rating of yours/);
    const first = await titles();
    const rated = await page.locator(`${films} legend`).first().innerText();
    assert.is(first.length, 10);
    assert.not.ok(first.includes(rated), 'what was rated is left out');
    assert.ok((await visit.text('#list li:first-child .why')).includes(rated));
    await rate(visit, 1, 1, /^2 ratings of yours/);
    await rate(visit, 2, 5, /^3 ratings of yours/);
    assert.is.not((await titles()).join(), first.join());

    await page.locator('#bias-only').check();
    await visit.reads('#list-note', /taste is left out/);
    await page.locator('#bias-only').click();
    await visit.reads('#list-note', /without training\.$/);
    await page.locator(`${films} .clear`).nth(2).click();
    await visit.reads('#list-note', /^2 ratings of yours/);

    const before = await titles();
    await visit.train();
    await visit.reads('#list-note', /^2 ratings of yours/);
    assert.equal(await titles(), before, 'they outlive a new training, which has the same result');
    await visit.picture('rated');
  });

  visit('a film is found by its name, and is offered first', async (visit) => {
    const { page } = visit;
    const last = await page.locator(`${films} legend`).nth(9).innerText();
    await page.locator('#search').fill('no such film');
    await visit.reads('#found', /No film/);
    await page.locator('#search').fill(last.toUpperCase());
    await page.locator('#found button').first().click();
    assert.is(await page.locator(`${films} legend`).first().innerText(), last);
  });

  visit('the map shows the visitor and the nearest films, and has its table', async (visit) => {
    const { page } = visit;
    await rateTwo(visit);
    await page.locator('#map').scrollIntoViewIfNeeded();
    await visit.reads('#map', /The star is you/);
    await page.locator('#map-film').selectOption({ index: 1 });
    await visit.reads('#nearest', /\d\.\d\d/);
    assert.ok((await page.locator('#nearest li').count()) >= 5);
    assert.ok((await page.locator('#map details tbody tr').count()) > 50);
  });

  visit('the errors are laid open, those of other seeds too', async (visit) => {
    const { page } = visit;
    await page.locator('#honesty').scrollIntoViewIfNeeded();
    await visit.reads('#honesty', /Rating minus prediction/);
    await page.locator('#seeds-button').click();
    await visit.reads('#honesty', /mean and standard deviation of 5 seeds/);
    assert.is(await page.locator('#seeds tbody tr').count(), 5);
  });

  visit('model, vectors and code can be taken home, and a link brings settings and ratings back', async (visit) => {
    const { page } = visit;
    await rateTwo(visit);
    await page.locator('#take-away').scrollIntoViewIfNeeded();
    await visit.reads('#take-away', /PyTorch/);
    const download = async (button: string): Promise<Buffer> => {
      const downloaded = page.waitForEvent('download');
      await page.locator(button).click();
      return readFileSync(await (await downloaded).path());
    };
    const model = await download('#save-model');
    const header = JSON.parse(model.subarray(8, 8 + Number(model.readBigUInt64LE(0))).toString()) as Record<string, unknown>;
    for (const name of ['userFactors', 'itemFactors', 'userBias', 'itemBias']) assert.ok(name in header, name);
    const vectors = (await download('#save-vectors')).toString().trimEnd().split('\n');
    const metadata = (await download('#save-metadata')).toString().trimEnd().split('\n');
    assert.is(metadata.length, vectors.length + 1);
    assert.is(vectors[0].split('\t').length, 8);

    await page.locator('#with-ratings').check();
    const link = await page.locator('#link').inputValue();
    assert.match(link, /[#&]factors=8&.*rated=/);
    const losses = await visit.validLosses();
    const linked = await browser.visit({ hash: new URL(link).hash });
    await linked.trained();
    assert.equal(await linked.validLosses(), losses);
    await linked.reads('#list-note', /^2 ratings of yours/);
    await linked.leave();
  });

  visit('a file that holds no ratings is refused in a sentence, and what was there stays', async (visit) => {
    const { page } = visit;
    await rateTwo(visit);
    const line = await visit.text('#data-line');
    for (const [name, bytes] of [
      ['holiday.jpg', new Uint8Array(500).map((_, k) => (k * 151) % 256)],
      ['empty.csv', new Uint8Array()],
      ['letters.zip', zipSync({ 'letter.txt': strToU8('Dear all') })],
      ['cut.zip', archive().subarray(0, 900)],
    ] as const) {
      const before = await visit.mark();
      await page.locator('#file').setInputFiles({ name, mimeType: '', buffer: Buffer.from(bytes) });
      await visit.says(/could not be read/, before);
      assert.match((await visit.reads('#problem', /\S/)).trim(), /\.$/);
    }
    assert.is(await visit.text('#data-line'), line);
    await visit.reads('#list-note', /^2 ratings of yours/);
    await visit.train();
  });

  visit('an archive of MovieLens that is dropped is trained on, by its titles', async (visit) => {
    const { page } = visit;
    let before = await visit.mark();
    await drop(visit, 'ml-latest-small.zip', archive());
    await visit.trained(before);
    assert.match(await visit.text('#data-line'), /1,200 .*40 films .*60 people/);
    assert.match(await page.locator(`${films} legend`).first().innerText(), /^Film, The \d+th \(19\d\d\)$/);
    await rate(visit, 0, 3, /^1 rating of yours/);
    assert.match(await visit.text('#list'), /The \d+th/);
    before = await visit.mark();
    await page.locator('#planted-button').click();
    await visit.trained(before);
    assert.match(await visit.text('#data-line'), /100,000/);
  });

  test('titles that are markup, run from right to left or are one long word are text, and fit in', async () => {
    const visit = await browser.visit();
    await visit.trained();
    const titles = ['<img src=x onerror=isRun=1>', 'שלום עולם', '🎬🍿', 'a'.repeat(300)];
    const before = await visit.mark();
    await drop(
      visit,
      'ml-latest-small.zip',
      archive((k) => `${titles[k % 4]} ${k}`),
    );
    await visit.trained(before);
    await rate(visit, 0, 5, /^1 rating of yours/);
    for (const id of ['map', 'honesty', 'take-away']) await visit.page.locator(`#${id}`).scrollIntoViewIfNeeded();
    await visit.reads('.axis-end', /\S/);
    assert.match((await visit.page.locator(`${films} legend`).allInnerTexts()).join(), /<img src=x onerror=isRun=1> \d/);
    assert.is(await visit.page.evaluate('typeof isRun'), 'undefined');
    assert.is(await visit.page.evaluate('document.documentElement.scrollWidth - innerWidth'), 0);
    await visit.picture('odd-titles');
    await visit.leave();
  });
}

test.run();
