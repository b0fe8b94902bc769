/** What a reader of JSON of any origin needs. */

/** How large a JSON text may be in the making: brackets within brackets, and values of all kinds. */
export interface JsonLimits {
  maxDepth: number;
  maxValues: number;
}

/**
 * A JSON text of any origin, which is counted before it is parsed: a million brackets cost some bytes each as text, but
 * hundreds as values.
 *
 * @throws SyntaxError whose message says what the text is or has: `is not JSON`
 */
export function parseJson(text: string, { maxDepth, maxValues }: JsonLimits): unknown {
  const { depth, nValues } = countJson(text);
  if (depth > maxDepth) throw new SyntaxError(`has brackets ${depth} deep, where ${maxDepth} are the most`);
  if (nValues > maxValues) throw new SyntaxError(`has ${nValues} values, where ${maxValues} are the most`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError('is not JSON', { cause });
  }
}

/** What a JSON text has: brackets within brackets, values at most, and keys, equal ones counted again (JSON.parse keeps the last). */
export function countJson(text: string): { depth: number; nValues: number; nKeys: number } {
  let depth = 0;
  let open = 0;
  let nValues = 1;
  let nKeys = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === QUOTE) i = endOfString(text, i);
    else if (char === COLON) nKeys++;
    else if (char === COMMA) nValues++;
    else if (char === BRACKET || char === BRACE) {
      nValues++;
      depth = Math.max(depth, ++open);
    } else if (char === BRACKET + 2 || char === BRACE + 2) open--;
  }
  return { depth, nValues, nKeys };
}

/** The place of the quotation mark that ends a string: the next without a backslash before it, or with an even number of them. */
function endOfString(text: string, begin: number): number {
  for (let end = text.indexOf('"', begin + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let first = end;
    while (text.charCodeAt(first - 1) === BACKSLASH) first--;
    if ((end - first) % 2 === 0) return end;
  }
  return text.length;
}

const [QUOTE, BACKSLASH, COLON, COMMA, BRACKET, BRACE] = Array.from('"\\:,[{', (char) => char.charCodeAt(0));

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
