/** One request of which nobody can doubt where it ends. */
export interface CertainRequest {
  readonly method: string;
  /** As it stands in the request line. */
  readonly target: string;
  /** It asks for its connection to be closed after its answer. */
  readonly isLast: boolean;
}

export interface ReadRequests {
  readonly requests: readonly CertainRequest[];
  /** What follows them: nothing, the beginning of another one, or what a server may take for anything. */
  readonly rest: 'none' | 'partial' | 'doubtful';
}

const REQUEST_LINE = /^(GET|HEAD|PUT|POST|DELETE) (\/[!-~]*) HTTP\/1\.([01])$/;
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\x21-\xff](?:[\x20-\x7e\x80-\xff]*[\x21-\xff])?)?$/;
const LENGTH = /^(0|[1-9]\d{0,6})$/;
const CHUNK = /^([0-9a-f]{1,5})\r\n/;
/** Requests that are read; a server may refuse more than these at once. */
const REQUESTS_MAX = 12;
const HEAD_BYTES_MAX = 12 * 1024;

/**
 * HTTP/1.1 read a second time, and so strictly that a server can have no other opinion: what is not plainly a request
 * is doubtful. One character of `text` is one byte.
 */
export function readRequests(text: string): ReadRequests {
  const requests: CertainRequest[] = [];
  let at = 0;
  while (at < text.length) {
    if (requests.length === REQUESTS_MAX) return { requests, rest: 'doubtful' };
    const end = text.indexOf('\r\n\r\n', at);
    const head = end === -1 ? undefined : readHead(text.slice(at, end));
    if (head === undefined) return { requests, rest: end === -1 && isPlain(text.slice(at)) ? 'partial' : 'doubtful' };
    const after = bodyEnd(text, end + 4, head.body);
    if (typeof after === 'string') return { requests, rest: after };
    requests.push(head.request);
    at = after;
    if (head.request.isLast) return { requests, rest: at < text.length ? 'doubtful' : 'none' };
  }
  return { requests, rest: 'none' };
}

type BodyFraming = { readonly kind: 'length'; readonly sizeBytes: number } | { readonly kind: 'chunked' };

/** `undefined` where it is not certain. */
function readHead(head: string): { readonly request: CertainRequest; readonly body: BodyFraming } | undefined {
  const [line = '', ...lines] = head.split('\r\n');
  const [, method, target, minor] = REQUEST_LINE.exec(line) ?? [];
  if (method === undefined || target === undefined || head.length > HEAD_BYTES_MAX) return undefined;
  const headers = new Map<string, string>();
  for (const each of lines) {
    const [, name, value = ''] = HEADER_LINE.exec(each) ?? [];
    if (name === undefined) return undefined;
    const lower = name.toLowerCase();
    if (headers.has(lower) && SINGLE.has(lower)) return undefined;
    headers.set(lower, value);
  }
  const body = framingOf(headers);
  const connection = headers.get('connection')?.toLowerCase();
  const isKnown = connection === undefined || connection === 'close' || connection === 'keep-alive';
  if (body === undefined || !isKnown || !/^[a-z0-9.:-]+$/.test(headers.get('host') ?? '') || headers.has('upgrade')) {
    return undefined;
  }
  const isLast = connection === 'close' || minor === '0';
  return { request: { method, target, isLast }, body };
}

const SINGLE: ReadonlySet<string> = new Set(['host', 'content-length', 'transfer-encoding', 'connection', 'expect']);

function framingOf(headers: ReadonlyMap<string, string>): BodyFraming | undefined {
  const length = headers.get('content-length');
  const coding = headers.get('transfer-encoding');
  if (coding !== undefined) return coding === 'chunked' && length === undefined ? { kind: 'chunked' } : undefined;
  if (length === undefined) return { kind: 'length', sizeBytes: 0 };
  return LENGTH.test(length) ? { kind: 'length', sizeBytes: Number(length) } : undefined;
}

function bodyEnd(text: string, start: number, body: BodyFraming): number | 'partial' | 'doubtful' {
  if (body.kind === 'length') return start + body.sizeBytes <= text.length ? start + body.sizeBytes : 'partial';
  for (let at = start; ; ) {
    const [line, hex = ''] = CHUNK.exec(text.slice(at, at + 10)) ?? [];
    if (line === undefined) return /^[0-9a-f]{0,5}\r?$/.test(text.slice(at)) ? 'partial' : 'doubtful';
    const sizeBytes = Number.parseInt(hex, 16);
    const end = at + line.length + sizeBytes;
    if (end + 2 > text.length) return 'partial';
    if (text.slice(end, end + 2) !== '\r\n') return 'doubtful';
    at = end + 2;
    if (sizeBytes === 0) return at;
  }
}

/** Whether it may well be the beginning of a head: nothing is in it that a parser refuses at once. */
function isPlain(text: string): boolean {
  return (
    /^[A-Z]{3,6} \/[!-~]* HTTP\/1\.1\r\n[\x20-\x7e\r\n]*$/.test(text) && !/\r(?!\n)|(?<!\r)\n/.test(text.slice(0, -1))
  );
}
