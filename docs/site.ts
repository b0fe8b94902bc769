/**
 * The documentation site: the guides and the API of both packages, made by typedoc, and the page in its folder `page`.
 *
 *   node dist/docs/site.js [--out FOLDER] [--page FOLDER]
 */
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** What links to the page are written as, in `navigationLinks` of typedoc.json. */
const TO_PAGE = 'page:';

/**
 * Writes the site into `out`, which it empties first.
 *
 * @param page the built page
 * @throws Error where the page is not built, typedoc warns, or a link leads nowhere
 */
export async function buildSite(out: string, page: string): Promise<void> {
  if (!existsSync(join(page, 'index.html'))) throw new Error(`There is no page in ${page}: npm run page:build makes it.`);
  const { Application, Converter } = await import('typedoc');
  const app = await Application.bootstrapWithPlugins({ options: 'typedoc.json', out, cleanOutputDir: true, logLevel: 'Warn' });
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, guide) => {
    guide.name = /^# (.+)$/m.exec(guide.content.map(({ text }) => text).join(''))?.[1].replaceAll('`', '') ?? guide.name;
  });
  const project = await app.convert();
  if (project === undefined) throw new Error('typedoc could not read the code.');
  app.validate(project);
  await app.generateOutputs(project);
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('typedoc has warned.');

  cpSync(page, join(out, 'page'), { recursive: true });
  showSourcesAsText(join(out, 'media'));
  for (const file of filesOf(out, '.html')) {
    const toRoot = relative(dirname(file), out) || '.';
    const html = readFileSync(file, 'utf8');
    const mended = html
      .replaceAll(`href="${TO_PAGE}"`, `href="${toRoot}/page/index.html"`)
      .replace(/(href="[^":]*media\/[^":]*\.ts)"/g, '$1.txt"');
    if (mended !== html) writeFileSync(file, mended);
  }
  const broken = brokenLinks(out);
  if (broken.length > 0) throw new Error(`These links lead nowhere:\n${broken.join('\n')}`);
}

/** Browsers show text, and take a `.ts` file for a film. */
function showSourcesAsText(media: string): void {
  for (const file of filesOf(media, '.ts')) renameSync(file, `${file}.txt`);
}

/** Links and images in the HTML files of a folder that lead to no file of it, or to no place in it: `FILE -> LINK`. */
export function brokenLinks(folder: string): string[] {
  const ids = new Map<string, Set<string>>();
  const idsOf = (file: string) => {
    if (!ids.has(file)) ids.set(file, new Set([...readFileSync(file, 'utf8').matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id)));
    return ids.get(file)!;
  };
  return filesOf(folder, '.html').flatMap((from) => {
    const links = [...readFileSync(from, 'utf8').matchAll(/\s(?:href|src)="([^"]*)"/g)].map(([, link]) => link);
    const leadsNowhere = (link: string) => {
      if (/^[a-z][a-z+.-]*:|^\/\//i.test(link)) return false; // elsewhere
      const [path, place] = link.split('#').map(decodeURIComponent);
      const to = path === '' ? from : resolve(dirname(from), path);
      if (relative(folder, to).startsWith('..') || !existsSync(to) || statSync(to).isDirectory()) return true;
      return Boolean(place) && to.endsWith('.html') && !idsOf(to).has(place);
    };
    return [...new Set(links)].filter(leadsNowhere).map((link) => `${relative(folder, from)} -> ${link}`);
  });
}

function filesOf(folder: string, ending: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { out, page } = parseArgs({
    options: { out: { type: 'string', default: 'site' }, page: { type: 'string', default: 'page/dist' } },
  }).values;
  try {
    rmSync(out, { recursive: true, force: true });
    await buildSite(resolve(out), resolve(page));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
