import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { DotbiasError } from '../../base/errors.js';

/** An answer to a request. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** Times in milliseconds, and how many connections there may be. */
const HEADERS_TIMEOUT = 10_000;
const REQUEST_TIMEOUT = 20_000;
/** Longer than proxies keep theirs, so that it is they who close an idle connection. */
const KEEP_ALIVE = 75_000;
const CHECK_INTERVAL = 2_000;
const MAX_CONNECTIONS = 10_000;
/** How long a connection without a request is left open while the server ends: one may be on its way. */
const IDLE_GRACE = 250;
/** How long the server waits for what is left of requests, and for who reads their answers, when it ends. */
const END_GRACE = 10_000;

/** Why a server cannot listen, by the system's code. */
const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EACCES: 'this user may not',
  EADDRNOTAVAIL: 'this machine does not have that address',
  ENOTFOUND: 'there is no such host',
};

/**
 * HTTP/1.1 with limits on everything that a client may keep a server waiting with.
 *
 * It is Node's own `http`: six routes need no framework.
 */
export class HttpServer {
  readonly #server: Server;
  #isEnding = false;

  /** @param answer never fails */
  constructor(private readonly answer: (request: IncomingMessage) => Promise<Answer>) {
    const timeouts = { headersTimeout: HEADERS_TIMEOUT, requestTimeout: REQUEST_TIMEOUT, keepAliveTimeout: KEEP_ALIVE };
    this.#server = createServer({ ...timeouts, connectionsCheckingInterval: CHECK_INTERVAL }, (request, response) => {
      void this.#respond(request, response);
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** @returns the port; @throws DotbiasError if it cannot listen there */
  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const refuse = (error: NodeJS.ErrnoException) => {
        const reason = REASONS[error.code ?? ''] ?? error.message;
        reject(new DotbiasError(`The server cannot listen at ${host}, port ${port}: ${reason}.`, { cause: error }));
      };
      this.#server.once('error', refuse);
      this.#server.listen(port, host, () => {
        this.#server.off('error', refuse);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Takes no new connections, answers what has been asked, and closes each connection with its last answer. */
  async end(): Promise<void> {
    this.#isEnding = true;
    // http's own close would cut connections that look idle although a request is on its way.
    const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(this.#server, () => resolve()));
    await Promise.race([closed, setTimeout(IDLE_GRACE)]);
    this.#server.closeIdleConnections();
    await Promise.race([closed, setTimeout(END_GRACE, undefined, { ref: false })]);
    this.#server.closeAllConnections();
    await closed;
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, headers, body } = await this.answer(request);
    response.writeHead(status, {
      ...headers,
      'Content-Length': Buffer.byteLength(body),
      ...(this.#isEnding && { Connection: 'close' }),
    });
    response.end(body);
  }
}
