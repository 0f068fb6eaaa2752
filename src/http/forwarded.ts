import type { RequestHeaders } from './parameters.ts';

/** What proxies say about a request, the one nearest to the client first; nothing of it is to be believed as such. */
export interface Told {
  readonly addresses: readonly (string | undefined)[];
  /** Lower case. */
  readonly schemes: readonly (string | undefined)[];
  /** Lower case, perhaps with a port; well formed. */
  readonly hosts: readonly (string | undefined)[];
  readonly ports: readonly (string | undefined)[];
}

/** A host name or address, in lower case, perhaps with a port. */
export const HOST = /^(?:[a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;
const PORT = /^\d{1,5}$/;
/** An address as `for=` and X-Forwarded-For have it, perhaps with a port. */
const NODE = /^(?:\[([0-9a-f:.]+)\]|(\d{1,3}(?:\.\d{1,3}){3}))(?::\d{1,5})?$/i;
const PAIR = /[ \t]*([\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))[ \t]*([;,]|$)/y;
const ESCAPE = /\\(.)/g;

/**
 * Reads `X-Forwarded-For`, `-Proto`, `-Host` and `-Port`, or where none of them is there, `Forwarded`. One that a client
 * made up must not count beside those that its proxy writes.
 * Source: https://www.rfc-editor.org/rfc/rfc7239
 */
export function readForwarded(headers: RequestHeaders): Told {
  const told = {
    addresses: listOf(headers, 'x-forwarded-for').map(addressOf),
    schemes: listOf(headers, 'x-forwarded-proto').map((text) => text.toLowerCase()),
    hosts: listOf(headers, 'x-forwarded-host').map(hostOf),
    ports: listOf(headers, 'x-forwarded-port').map((text) => (PORT.test(text) ? text : undefined)),
  };
  const forwarded = headers.raw('forwarded');
  if (forwarded === undefined || Object.values(told).some((list) => list.length > 0)) return told;
  const elements = parseElements(forwarded);
  return {
    addresses: elements.map((element) => addressOf(element.get('for') ?? '')),
    schemes: elements.map((element) => element.get('proto')?.toLowerCase()),
    hosts: elements.map((element) => hostOf(element.get('host') ?? '')),
    ports: [],
  };
}

function listOf(headers: RequestHeaders, name: string): string[] {
  return (headers.raw(name) ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '');
}

/** The elements of `Forwarded`; none where it is not well formed. */
function parseElements(text: string): ReadonlyMap<string, string>[] {
  const elements = [new Map<string, string>()];
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < text.length) {
    const [, name, quoted, plain = '', end] = PAIR.exec(text) ?? [];
    if (name === undefined) return [];
    elements.at(-1)?.set(name.toLowerCase(), quoted?.replace(ESCAPE, '$1') ?? plain);
    if (end === ',') elements.push(new Map());
  }
  return elements;
}

function addressOf(text: string): string | undefined {
  const [, bracketed, dotted] = NODE.exec(text) ?? [];
  return bracketed ?? dotted ?? (text.includes(':') ? text : undefined);
}

function hostOf(text: string): string | undefined {
  const host = text.toLowerCase();
  return HOST.test(host) ? host : undefined;
}
