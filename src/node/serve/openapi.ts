import { VERSION } from '../../base/version.js';
import type { Route } from './route.js';

const ERROR = { type: 'object', required: ['error'], properties: { error: { type: 'string', description: 'One sentence.' } } };
const GENERAL = { 400: 'The request is malformed, or a value is out of range.', 503: 'Too busy, or without a device; see Retry-After.' };

/** The OpenAPI 3.1 document of some routes. */
export function openApi(routes: readonly Route<never>[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const { method, path, summary, query = {}, body } = route;
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
    const parameters = [...names, ...Object.entries(query).map(([name, parameter]) => ({ name, in: 'query', ...parameter }))];
    (paths[path] ??= {})[method.toLowerCase()] = {
      summary,
      ...(parameters.length > 0 && { parameters }),
      ...(body && { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
      responses: responsesOf(route),
    };
  }
  return { openapi: '3.1.0', info: { title: 'dotbias', version: VERSION }, paths };
}

function responsesOf({ answer, errors = {} }: Route<never>): object {
  const content = answer ? { 'application/json': { schema: answer } } : { 'text/plain': { schema: { type: 'string' } } };
  const failures = Object.entries<string>({ ...GENERAL, ...errors }).map(([status, description]) => [
    status,
    { description, content: { 'application/json': { schema: ERROR } } },
  ]);
  return { 200: { description: 'The answer.', content }, ...Object.fromEntries(failures) };
}
