/** What a reader of JSON of any origin needs. */

/** Whether a value is what JSON calls an object: not null, not a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value as JSON for a message, cut after 80 characters; a nested one, which may be too deep to walk, is only named. */
export function quote(value: unknown): string {
  const parts = Array.isArray(value) ? value : [value];
  if (parts.some((part) => typeof part === 'object' && part !== null)) return 'something nested';
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 80 ? `${json.slice(0, 80)}...` : json;
}
