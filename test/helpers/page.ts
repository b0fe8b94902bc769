/** Tests of the built page. */
import type { Test } from 'uvu';
import * as assert from 'uvu/assert';
import { PageBrowser, QUICK, type Settings, type Visit } from '../../bench/page-browser.js';

/** The built page in a browser. Null, and a line that says why, where the page is not built or there is no browser with WebGPU. */
export async function openPages(what: string): Promise<PageBrowser | null> {
  const opened = await PageBrowser.open();
  if (typeof opened !== 'string') return opened;
  console.log(`skipped: ${what}; ${opened}`);
  return null;
}

/**
 * Registers tests that share a visit, each of which begins when the page has trained and is idle, with these settings. Where a test
 * fails, the next one gets a visit of its own.
 */
export function visiting(test: Test, browser: PageBrowser, settings: Settings = {}) {
  let shared: Visit | undefined;
  return (name: string, work: (visit: Visit) => Promise<void>): void =>
    test(name, async () => {
      shared ??= await browser.visit(settings);
      const visit = shared;
      try {
        await visit.trained();
        await visit.set(settings.hash ?? QUICK);
        await work(visit);
        assert.equal(visit.faults, []);
      } catch (error) {
        shared = undefined;
        if (error instanceof Error) error.message += `\n${visit.faults.join('\n')}`;
        await visit.context.close();
        throw error;
      }
    });
}
