import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { brokenLinks, buildSite } from '../../docs/site.js';

const folder = mkdtempSync(join(tmpdir(), 'dotbias-site-'));
test.after(() => rmSync(folder, { recursive: true }));

test('links are broken that lead to no file, to a folder, to no place in a page, or out of the site', () => {
  const site = join(folder, 'links');
  mkdirSync(join(site, 'sub'), { recursive: true });
  writeFileSync(join(site, 'index.html'), '<p id="here"></p><a href="sub/a.html#there">');
  writeFileSync(
    join(site, 'sub/a.html'),
    `<i id="there"></i><a href="#there"><a href="../index.html#here"><a href="https://example.org/x"><img src="data:,">
     <a href="b.html"><a href="../sub"><a href="#nowhere"><a href="../index.html#nowhere"><a href="../../elsewhere"><img src="none.png">`,
  );
  const broken = ['b.html', '../sub', '#nowhere', '../index.html#nowhere', '../../elsewhere', 'none.png'];
  assert.equal(
    brokenLinks(site),
    broken.map((link) => `sub/a.html -> ${link}`),
  );
});

test('a site without a built page is refused', async () => {
  const nowhere = join(folder, 'nowhere');
  await buildSite(join(folder, 'none'), nowhere).then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, `There is no page in ${nowhere}: npm run page:build makes it.`),
  );
});

test('the site has the guides by their titles, both packages and the page, and no link of it leads nowhere', async () => {
  const page = join(folder, 'page');
  mkdirSync(page);
  writeFileSync(join(page, 'index.html'), '<p>The page.</p>');
  const site = join(folder, 'site');
  await buildSite(site, page);
  assert.match(readFileSync(join(site, 'documents/Model_files_and_checkpoints.html'), 'utf8'), /safetensors/);
  assert.match(readFileSync(join(site, 'modules/dotbias.html'), 'utf8'), /collabLearner/);
  assert.match(readFileSync(join(site, 'modules/dotbias-node.html'), 'utf8'), /openGpu/);
  assert.match(readFileSync(join(site, 'modules/dotbias.html'), 'utf8'), /href="\.\.\/page\/index\.html"/);
  assert.is(readFileSync(join(site, 'page/index.html'), 'utf8'), '<p>The page.</p>');
});

test.run();
