/** What a route is: from its declaration come the router, the checks of its parameters, and its page in the OpenAPI document. */
import { show } from '../../base/check.js';
import { HttpError } from './http-error.js';

/** A JSON Schema, as OpenAPI has it. */
export type Schema = Readonly<Record<string, unknown>>;

/** A whole number within bounds, or one of some words. */
export type ParameterSchema =
  | { readonly type: 'integer'; readonly minimum: number; readonly maximum: number; readonly default: number }
  | { readonly type: 'string'; readonly enum: readonly string[]; readonly default: string };

/** A parameter of the query, or a field of the body, that may be left out. */
export interface Parameter {
  readonly description: string;
  readonly schema: ParameterSchema;
}

/** What was asked for, checked but for the ids and the body. */
export interface Asked {
  /** The segments that stand for names in braces, decoded. */
  readonly path: Readonly<Record<string, string>>;
  /** The value of each parameter that the route has. */
  readonly query: Readonly<Record<string, string | number>>;
  /** The body of a POST. */
  readonly body: unknown;
}

/** What can be asked of a server: a method and a path, and who answers. */
export interface Route<App> {
  readonly method: 'GET' | 'POST';
  /** Segments; one in braces is a name for any text. */
  readonly path: string;
  readonly summary: string;
  readonly query?: Readonly<Record<string, Parameter>> | undefined;
  /** Schema of the body of a POST. */
  readonly body?: Schema | undefined;
  /** Schema of the answer; undefined for plain text. */
  readonly answer?: Schema | undefined;
  /** Statuses besides 200 that mean something of their own here, and what. */
  readonly errors?: Readonly<Record<number, string>> | undefined;
  /** The JSON value, or plain text, that answers. */
  handle(app: App, asked: Asked): unknown;
}

/** A route and the texts of its names in braces. */
export interface Found<R> {
  readonly route: R;
  readonly path: Readonly<Record<string, string>>;
}

/** Finds routes by method and path. HEAD is answered as GET is. */
export class Router<R extends Pick<Route<never>, 'method' | 'path'>> {
  readonly #routes: readonly { route: R; segments: readonly string[] }[];

  constructor(routes: readonly R[]) {
    this.#routes = routes.map((route) => ({ route, segments: route.path.split('/') }));
  }

  /** @throws HttpError 404, 405 with `Allow`, or 400 for a segment that is no percent-encoded UTF-8 */
  find(method: string, path: string): Found<R> {
    const segments = path.split('/');
    const fitting = this.#routes.filter(({ segments: own }) => fits(own, segments));
    if (fitting.length === 0) throw new HttpError(404, `There is nothing at ${show(path)}; /openapi.json lists what there is.`);
    const found = fitting.find(({ route }) => route.method === (method === 'HEAD' ? 'GET' : method));
    if (found === undefined) {
      const allowed = fitting.flatMap(({ route }) => (route.method === 'GET' ? ['GET', 'HEAD'] : [route.method])).join(', ');
      throw new HttpError(405, `${path} takes ${allowed}, not ${method}.`, { Allow: allowed });
    }
    const names: [string, string][] = [];
    found.segments.forEach((own, k) => {
      if (isName(own)) names.push([own.slice(1, -1), decode(segments[k], 'the path')]);
    });
    return { route: found.route, path: Object.fromEntries(names) };
  }
}

const isName = (segment: string) => segment.startsWith('{');
const fits = (own: readonly string[], segments: readonly string[]) =>
  own.length === segments.length && own.every((each, k) => (isName(each) ? segments[k] !== '' : each === segments[k]));

function decode(text: string, where: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new HttpError(400, `${show(text)} in ${where} is no percent-encoded UTF-8.`);
  }
}

/**
 * The value of each parameter, its default where the query does not name it.
 * @throws HttpError 400 for one that there is not, twice the same, or a value that it cannot have
 */
export function readQuery(parameters: Route<never>['query'], query: string): Record<string, string | number> {
  const given = new Map<string, unknown>();
  for (const part of query === '' ? [] : query.split('&')) {
    const end = part.includes('=') ? part.indexOf('=') : part.length;
    const [name, value] = [decodeQuery(part.slice(0, end)), decodeQuery(part.slice(end + 1))];
    if (given.has(name)) throw new HttpError(400, `The query has ${show(name)} twice.`);
    given.set(name, /^\d{1,15}$/.test(value) ? Number(value) : value);
  }
  return readParameters(parameters, given, 'query');
}

const decodeQuery = (text: string) => (/[%+]/.test(text) ? decode(text.replaceAll('+', ' '), 'the query') : text);

/** As `readQuery`, of values by name. @param where what has them, for messages */
export function readParameters(
  parameters: Route<never>['query'] = {},
  given: ReadonlyMap<string, unknown>,
  where: string,
): Record<string, string | number> {
  for (const name of given.keys()) {
    if (Object.hasOwn(parameters, name)) continue;
    const list = Object.keys(parameters).join(' and ');
    throw new HttpError(400, `The ${where} has ${show(name)}; it may have ${list || 'nothing'}.`);
  }
  const values: Record<string, string | number> = {};
  for (const [name, { schema }] of Object.entries(parameters)) {
    values[name] = given.has(name) ? readValue(name, schema, given.get(name)) : schema.default;
  }
  return values;
}

function readValue(name: string, schema: ParameterSchema, value: unknown): string | number {
  if (schema.type === 'integer') {
    const { minimum, maximum } = schema;
    if (Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum) return value as number;
    throw new HttpError(400, `${name} must be a whole number from ${minimum} to ${maximum}, not ${clipped(value)}.`);
  }
  if (schema.enum.includes(value as string)) return value as string;
  throw new HttpError(400, `${name} must be ${schema.enum.map(show).join(' or ')}, not ${clipped(value)}.`);
}

const clipped = (value: unknown) => (typeof value === 'string' && value.length > 60 ? `${show(value.slice(0, 60))}...` : show(value));
