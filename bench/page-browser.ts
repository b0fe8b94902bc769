/** The built page in a browser, served from a sub-path, and what must not happen while somebody looks on. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findChromium, NO_CHROMIUM } from './chromium.js';
import type { Browser, Context, Page, Playwright } from './playwright.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'page/dist');
const screenshots = resolve(process.env['DOTBIAS_SCREENSHOTS'] ?? join(root, 'page/screenshots'));
export const ofPage = createRequire(join(root, 'page/package.json'));
const PATH = '/some/folder/';
const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

/** Until when the page must have done something: long enough for a machine that does much else. */
const PATIENCE = { timeout: 60_000 };

/** Settings with which a training takes a blink. */
export const QUICK = '#epochs=1&factors=8&batch=256';

/** A request to the server. */
interface Asked {
  path: string;
  file: string;
  /** By a worker, or for its script. */
  isOfWorker: boolean;
}

export interface Settings {
  /** What follows the address. Default: `QUICK`. */
  hash?: string;
  width?: number;
  height?: number;
  colorScheme?: 'light' | 'dark';
}

export class PageBrowser {
  private constructor(
    readonly browser: Browser,
    readonly address: string,
    /** What was asked for, in turn. */
    readonly requests: readonly Asked[],
    private readonly close: () => void,
  ) {}

  /** Starts the browser, with or without WebGPU. Where that cannot be, it gives the reason instead. */
  static async open(withGpu = true): Promise<PageBrowser | string> {
    const isBuilt = existsSync(join(dist, 'index.html')) && existsSync(join(root, 'page/node_modules/playwright-core'));
    if (!isBuilt) return '`npm run page:build` makes the page that it needs';
    const found = findChromium();
    if (!found) return NO_CHROMIUM;
    const { chromium } = ofPage('playwright-core') as Playwright;
    const { executable: executablePath, env } = found;
    const args = withGpu ? ['--enable-unsafe-webgpu'] : [];
    const requests: Asked[] = [];
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url!, 'http://localhost');
      const file = join(dist, pathname === PATH ? 'index.html' : pathname.slice(PATH.length));
      if (!pathname.startsWith(PATH) || !existsSync(file)) response.writeHead(404).end();
      else response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream').end(readFileSync(file));
      const { referer, 'sec-fetch-dest': kind } = request.headers;
      const isOfWorker = kind === 'worker' || requests.some((before) => before.isOfWorker && referer?.endsWith(before.path));
      requests.push({ path: pathname, file, isOfWorker });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`;
    const opened = new PageBrowser(await chromium.launch({ executablePath, env, args }), address, requests, () => server.close());
    const page = await opened.browser.newPage();
    await page.goto(`${address}icon.svg`);
    const hasAdapter = await page.evaluate(async () => Boolean(await navigator.gpu?.requestAdapter()));
    await page.close();
    if (hasAdapter === withGpu) return opened;
    await opened.end();
    return `this Chromium finds ${hasAdapter ? 'an' : 'no'} adapter of WebGPU here`;
  }

  /** The files that the visits have loaded so far, of the page or of its worker, the icon left out. */
  loaded(isOfWorker: boolean): string[] {
    const own = this.requests.filter((asked) => asked.isOfWorker === isOfWorker && !asked.path.endsWith('.svg'));
    return [...new Set(own.map(({ file }) => file))];
  }

  async end(): Promise<void> {
    await this.browser.close();
    this.close();
  }

  /** The page in a tab of its own. */
  async visit({ hash = QUICK, width = 1280, height = 900, colorScheme = 'light' }: Settings = {}): Promise<Visit> {
    const context = await this.browser.newContext({
      viewport: { width, height },
      colorScheme,
      locale: 'en-US',
      reducedMotion: 'reduce',
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    // All that the page says of itself, in turn, and when; who asked later could miss some of it.
    await context.addInitScript(() => {
      const said: string[] = [];
      const saidAt: number[] = [];
      const longTasks: number[] = [];
      Object.assign(globalThis, { said, saidAt, longTasks, devicesAsked: 0 });
      new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' });
      const { requestAdapter } = globalThis.GPU?.prototype ?? {};
      if (requestAdapter) {
        GPU.prototype.requestAdapter = function (...options) {
          (globalThis as unknown as { devicesAsked: number }).devicesAsked++;
          return requestAdapter.apply(this, options);
        };
      }
      new MutationObserver(() => {
        const now = document.querySelector('#status')?.textContent?.trim();
        if (now && now !== said.at(-1)) saidAt[said.push(now) - 1] = performance.now();
      }).observe(document, { subtree: true, childList: true, characterData: true });
    });
    const visit = new Visit(this.address, context, await context.newPage());
    await visit.page.goto(this.address + hash);
    return visit;
  }
}

export class Visit {
  /** What went wrong so far. */
  readonly faults: string[] = [];

  constructor(
    address: string,
    readonly context: Context,
    readonly page: Page,
  ) {
    context.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(address) && !/^(blob|data):/.test(url)) this.faults.push(`a request to ${url}`);
    });
    context.on('requestfailed', (request) => this.faults.push(`a request failed: ${request.url()}`));
    page.on('console', (message) => this.faults.push(`${message.type()} in the console: ${message.text()}`));
    page.on('pageerror', (error) => this.faults.push(`an error that nobody caught: ${error.message}`));
  }

  /** How much the page has said by now. */
  mark = (): Promise<number> => this.page.evaluate(() => (globalThis as unknown as { said: string[] }).said.length);

  /** Waits until the page says this, after a mark; returns it. */
  async says(what: RegExp, after = 0): Promise<string> {
    const said = await this.page.waitForFunction(
      ([source, from]) => (globalThis as unknown as { said: string[] }).said.slice(from).find((each) => new RegExp(source).test(each)),
      [what.source, after] as const,
      PATIENCE,
    );
    return (await said.jsonValue())!;
  }

  trained = (after = 0): Promise<string> => this.says(/^Trained: /, after);

  /** Clicks, and waits for the training that follows. */
  async train(selector = '#train-button'): Promise<string> {
    const before = await this.mark();
    await this.page.locator(selector).click();
    return this.trained(before);
  }

  /** Sets what the fragment names, and all else to what is usual, as one does who changes the address by hand. */
  async set(fragment: string): Promise<void> {
    await this.page.evaluate((hash) => {
      history.replaceState(null, '', '#');
      location.hash = hash;
    }, fragment);
  }

  /** Waits until the address has this setting, or with '' none. */
  async addressHas(setting: string): Promise<void> {
    const has = (given: string) => (given === '' ? location.hash === '' : location.hash.slice(1).split('&').includes(given));
    await this.page.waitForFunction(has, setting, PATIENCE);
  }

  text = (selector: string): Promise<string> => this.page.locator(selector).innerText();

  /** Waits until the text of an element is like this; returns it. */
  async reads(selector: string, what: RegExp): Promise<string> {
    const found = await this.page.waitForFunction(
      ([where, source]) => {
        const text = document.querySelector<HTMLElement>(where)?.innerText;
        return text !== undefined && new RegExp(source).test(text) && { text };
      },
      [selector, what.source] as const,
      PATIENCE,
    );
    return ((await found.jsonValue()) as { text: string }).text;
  }

  /** Validation losses by epoch, as the table has them. */
  async validLosses(): Promise<string[]> {
    return (await this.page.locator('#epochs tbody tr td:nth-child(3)').allInnerTexts()).map((text) => text.trim());
  }

  /** Closes the tab, in which nothing may have gone wrong. */
  async leave(): Promise<void> {
    await this.context.close();
    if (this.faults.length > 0) throw new Error(this.faults.join('\n'));
  }

  /** Keeps a picture of the whole page, or of what is in the window, to be looked at. */
  async picture(name: string, fullPage = true): Promise<void> {
    mkdirSync(screenshots, { recursive: true });
    await this.page.evaluate(() => scrollTo(0, 0)); // the bar on top would lie across the middle
    await this.page.screenshot({ path: join(screenshots, `${name}.png`), fullPage });
  }
}
