import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import type { BatchedOptions } from '../../answer/batched.js';
import { checkOptions, checkWhole } from '../../base/check.js';
import type { ModelShape } from '../../model/layout.js';
import { type OpenedGpu, openGpu, type OpenGpuOptions } from '../device/device.js';
import { threadsToAnswer } from '../device/threads.js';
import { httpErrorOf } from './http-error.js';
import { type Answer, HttpServer } from './http-server.js';
import { Metrics } from './metrics.js';
import { readJson } from './read-body.js';
import { readQuery, Router } from './route.js';
import { type App, ROUTES } from './routes.js';
import { ServedModel } from './served-model.js';
import { watchFile } from './watch-file.js';

/** How a model is served; all optional. */
export interface ServeOptions extends BatchedOptions, Pick<OpenGpuOptions, 'name' | 'memoryBudget' | 'quiet'> {
  /** Default 8080; 0 takes one that is free. */
  port?: number | undefined;
  /** The address to listen on. Default 127.0.0.1, which this machine alone can reach. */
  host?: string | undefined;
  /** Whether the file is looked at each second, and loaded when it has changed. Default false. */
  watch?: boolean | undefined;
  /** Told in a sentence what happened: a model loaded or refused, a device lost or opened, a defect. */
  onEvent?: ((sentence: string) => void) | undefined;
}

/** A server under way. */
export interface ModelServer {
  /** Where it answers. */
  readonly url: string;
  /** The device of this moment. @throws while there is none */
  readonly device: OpenedGpu;
  /** Reads the file anew and answers from it; no request is lost. @returns whether it did: a broken file leaves the old model answering */
  reload(): Promise<boolean>;
  /** Takes no new connections, answers what has been asked, and gives everything back. */
  close(): Promise<void>;
}

/** A list of 1,000 rated items has 5,000 values; their ids are texts of any length. */
const BODY_LIMITS = { maxBytes: 2 ** 18, maxValues: 10_000 };

/**
 * Serves a model file over HTTP: docs/serve.md lists the routes. Requests that come together are answered together, see `BatchedModel`.
 * There is no authentication.
 *
 * @throws as `loadModelFile` and `openGpu`; RangeError for a port that there is not; DotbiasError if it cannot listen there
 */
export async function serveModel(path: string, options: ServeOptions = {}): Promise<ModelServer> {
  const known = ['name', 'memoryBudget', 'quiet', 'maxDelayMs', 'maxWaiting', 'port', 'host', 'watch', 'onEvent'];
  checkOptions('serveModel', options, known);
  const { name, memoryBudget, quiet, port = 8080, host = '127.0.0.1', watch = false, onEvent, ...batching } = options;
  checkWhole('port', port, 0, 65_535);
  // A list alone scores all items.
  const open = (shape: ModelShape) => openGpu({ name, memoryBudget, quiet, softwareThreads: threadsToAnswer(shape.nItems, shape) });
  const served = await ServedModel.open({ ...batching, path, onEvent, open });
  try {
    const http = new HttpServer(answerer(served, onEvent));
    const found = await http.listen(port, host);
    const unwatch = watch ? watchFile(path, () => void served.reload()) : () => undefined;
    let closed: Promise<void> | undefined;
    const close = async () => {
      unwatch();
      served.end();
      await http.end();
      await served.close();
    };
    return {
      url: `http://${isIPv6(host) ? `[${host}]` : host}:${found}`,
      get device() {
        return served.current.device;
      },
      reload: () => served.reload(),
      close: () => (closed ??= close()),
    };
  } catch (error) {
    await served.close();
    throw error;
  }
}

/** Answers requests, and counts them. */
function answerer(served: ServedModel, onEvent: ServeOptions['onEvent']): (request: IncomingMessage) => Promise<Answer> {
  const router = new Router(ROUTES);
  const metrics = new Metrics();
  const app: App = { served, metrics: () => metrics.text(valuesOf(served)) };
  return async (request) => {
    const started = performance.now();
    const { method = 'GET', url = '/' } = request;
    let label = 'none';
    let answer: Answer;
    try {
      const end = url.includes('?') ? url.indexOf('?') : url.length;
      const { route, path } = router.find(method, url.slice(0, end));
      label = `${route.method} ${route.path}`;
      const values = readQuery(route.query, url.slice(end + 1));
      const body = route.method === 'POST' ? await readJson(request, BODY_LIMITS) : undefined;
      answer = answerOf(200, await route.handle(app, { path, query: values, body }));
    } catch (error) {
      const { status, message, headers } = httpErrorOf(error);
      if (status === 500) onEvent?.(`${method} ${url} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      answer = answerOf(status, { error: message }, headers);
    }
    metrics.observe(label, answer.status, (performance.now() - started) / 1000);
    return answer;
  };
}

function answerOf(status: number, value: unknown, headers: Answer['headers'] = {}): Answer {
  const [type, body] =
    typeof value === 'string' ? ['text/plain; version=0.0.4; charset=utf-8', value] : ['application/json', JSON.stringify(value)];
  return { status, headers: { 'Content-Type': type, ...headers }, body };
}

function valuesOf({ load }: ServedModel): Parameters<Metrics['text']>[0] {
  return {
    dotbias_up: ['Whether there is a device, and a model on it.', 'gauge', Number(load.isUp)],
    dotbias_waiting: ['Calls of the model that wait or are being answered.', 'gauge', load.waiting],
    dotbias_model_loads_total: ['Times that a model was put on a device.', 'counter', load.loads],
    dotbias_model_calls_total: ['Calls of the model since it was put on the device.', 'counter', load.calls],
    dotbias_model_batches_total: ['Batches that these calls were joined to.', 'counter', load.batches],
  };
}
