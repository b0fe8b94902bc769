/** The part of playwright-core that the tests of the page use. Its own types are there only where the page's packages are installed. */
type Listener<T> = (about: T) => void;

export interface Playwright {
  chromium: {
    launch(options: { executablePath: string; args: string[]; env: Record<string, string | undefined> }): Promise<Browser>;
  };
}

export interface Browser {
  newContext(options: {
    viewport: { width: number; height: number };
    colorScheme: 'light' | 'dark';
    reducedMotion: 'reduce' | 'no-preference';
    locale: string;
    permissions: string[];
  }): Promise<Context>;
  newPage(): Promise<Page>;
  newBrowserCDPSession(): Promise<{ send(method: string): Promise<unknown> }>;
  version(): string;
  close(): Promise<void>;
}

interface Request {
  url(): string;
}

export interface Context {
  newPage(): Promise<Page>;
  addInitScript(script: () => void): Promise<unknown>;
  setOffline(isOffline: boolean): Promise<void>;
  on(event: 'request' | 'requestfailed', listener: Listener<Request>): unknown;
  close(): Promise<void>;
}

export interface Page {
  on(event: 'console', listener: Listener<{ type(): string; text(): string }>): unknown;
  on(event: 'pageerror', listener: Listener<Error>): unknown;
  goto(url: string): Promise<unknown>;
  reload(): Promise<unknown>;
  url(): string;
  workers(): { url(): string; evaluate<T>(work: () => T | Promise<T>): Promise<T> }[];
  evaluate<T>(script: string): Promise<T>;
  evaluate<T>(work: () => T | Promise<T>): Promise<T>;
  evaluate<A, T>(work: (argument: A) => T | Promise<T>, argument: A): Promise<T>;
  waitForFunction<A, T>(
    until: (argument: A) => T | Promise<T>,
    argument: A,
    options: { timeout: number },
  ): Promise<{ jsonValue(): Promise<T> }>;
  waitForEvent(event: 'download'): Promise<Download>;
  locator(selector: string): Locator;
  keyboard: { press(key: string): Promise<void>; type(text: string): Promise<void> };
  mouse: { click(x: number, y: number): Promise<void> };
  setViewportSize(size: { width: number; height: number }): Promise<void>;
  emulateMedia(media: { colorScheme: 'light' | 'dark' }): Promise<void>;
  screenshot(options: { path: string; fullPage: boolean }): Promise<unknown>;
  close(): Promise<void>;
}

export interface Download {
  suggestedFilename(): string;
  path(): Promise<string>;
}

export interface Locator {
  locator(selector: string): Locator;
  first(): Locator;
  nth(k: number): Locator;
  count(): Promise<number>;
  click(options?: { position?: { x: number; y: number }; force?: boolean }): Promise<void>;
  dblclick(): Promise<void>;
  check(): Promise<void>;
  fill(text: string): Promise<void>;
  focus(): Promise<void>;
  press(key: string): Promise<void>;
  hover(): Promise<void>;
  selectOption(value: string | { index: number }): Promise<unknown>;
  setInputFiles(file: { name: string; mimeType: string; buffer: Buffer }): Promise<void>;
  scrollIntoViewIfNeeded(): Promise<void>;
  innerText(): Promise<string>;
  inputValue(): Promise<string>;
  allInnerTexts(): Promise<string[]>;
  getAttribute(name: string): Promise<string | null>;
  boundingBox(): Promise<{ x: number; y: number; width: number; height: number } | null>;
  isVisible(): Promise<boolean>;
  isChecked(): Promise<boolean>;
}
