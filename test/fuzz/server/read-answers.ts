import { elementText } from '../../support/raw-http.ts';
import { demand } from '../fuzz-target.ts';

/** One answer as it stood on the connection. */
export interface HeardAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** Whether the body came to its end. */
  readonly isWhole: boolean;
}

export interface HeardAnswers {
  /** The final ones. */
  readonly answers: readonly HeardAnswer[];
  /** Answers that said to go on. */
  readonly interimCount: number;
  /** The beginning of an answer whose head did not come whole. */
  readonly rest: string;
}

const STATUS_LINE = /^HTTP\/1\.1 (\d{3}) [ -~]*$/;
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t\x20-\x7e\x80-\xff]*)$/;
const BEGINS_ANSWER = /^HTTP\/1\./;

/**
 * What a server sent on one connection, to requests of `methods`. Throws where any of it is no well-formed answer. The
 * method of an answer beyond them is not known: it has no body where the next answer follows its head at once.
 */
export function readAnswers(text: string, methods: readonly string[]): HeardAnswers {
  const answers: HeardAnswer[] = [];
  let interimCount = 0;
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n\r\n', at);
    if (end === -1) return { answers, interimCount, rest: text.slice(at) };
    const { status, headers } = readHead(text.slice(at, end));
    at = end + 4;
    if (status < 200) {
      demand(status === 100, `An interim answer has the status ${status}.`);
      interimCount += 1;
      continue;
    }
    const method = methods[answers.length];
    const isUnknown = method === undefined && (at === text.length || BEGINS_ANSWER.test(text.slice(at, at + 10)));
    const sizeBytes = method === 'HEAD' || isUnknown ? 0 : lengthOf(status, headers);
    const body = text.slice(at, at + sizeBytes);
    at += body.length;
    answers.push({ status, headers, body, isWhole: body.length === sizeBytes });
  }
}

/** Throws unless it is one that S3 may give: no failure of the server's own, with an id, and an error says its code. */
export function requireGoodAnswer({ status, headers, body, isWhole }: HeardAnswer): void {
  const shown = `${status} ${body.slice(0, 500)}`;
  demand((status >= 200 && status < 500) || status === 501, `The server failed: ${shown}`);
  demand(/^[0-9A-F]{16}$/.test(headers.get('x-amz-request-id') ?? ''), `An answer has no id: ${shown}`);
  if (status >= 400 && isWhole && body !== '') {
    demand(/^[A-Z]\w+$/.test(elementText(Buffer.from(body, 'latin1'), 'Code') ?? ''), `An error has no code: ${shown}`);
  }
}

function readHead(head: string): Pick<HeardAnswer, 'status' | 'headers'> {
  const [line = '', ...lines] = head.split('\r\n');
  const [, status] = STATUS_LINE.exec(line) ?? [];
  demand(status !== undefined, `An answer begins with ${JSON.stringify(line.slice(0, 200))}.`);
  const headers = new Map<string, string>();
  for (const each of lines) {
    const [, name, value = ''] = HEADER_LINE.exec(each) ?? [];
    if (name === undefined) throw new Error(`An answer has the header line ${JSON.stringify(each)}.`);
    const lower = name.toLowerCase();
    demand(lower !== 'content-length' || !headers.has(lower), 'An answer has two lengths.');
    headers.set(lower, value);
  }
  return { status: Number(status), headers };
}

function lengthOf(status: number, headers: ReadonlyMap<string, string>): number {
  demand(!headers.has('transfer-encoding'), 'An answer has a Transfer-Encoding.');
  if (status === 204 || status === 304) return 0;
  const length = headers.get('content-length') ?? '';
  demand(/^\d+$/.test(length), `An answer of ${status} has the length ${JSON.stringify(length)}.`);
  return Number(length);
}
