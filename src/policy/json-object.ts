import { malformedPolicy, quoted } from './malformed-policy.ts';

/** What JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export type JsonObject = { readonly [name: string]: Json };

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/gs;

/**
 * The object that is the whole of a policy's text. A name that stands twice in one object is refused: of two conditions
 * one would be lost without a word.
 * Errors: MalformedPolicy 400.
 */
export function parseJsonObject(text: string): JsonObject {
  if (!text.startsWith('{')) throw notJson();
  const value = parseJson(text);
  if (!isJsonObject(value)) throw notJson();
  requireUniqueNames(text);
  return value;
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    if (cause instanceof SyntaxError) throw notJson(cause);
    throw cause;
  }
}

/** `text` is known to be JSON: only strings, brackets, commas and colons matter here. */
function requireUniqueNames(text: string): void {
  const open: (Set<string> | undefined)[] = [];
  let previous = '';
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') addName(open.at(-1), previous);
    previous = token;
  }
}

function addName(names: Set<string> | undefined, token: string): void {
  const name = String(parseJson(token));
  if (names?.has(name)) throw malformedPolicy(`The field ${quoted(name)} stands twice in one object of the policy.`);
  names?.add(name);
}

function notJson(cause?: unknown) {
  return malformedPolicy("Policies must be valid JSON and the first byte must be '{'", cause);
}
