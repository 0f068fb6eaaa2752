import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { RawResponse } from '../support/raw-http.ts';
import { encodePath } from '../support/sign.ts';
import { ALICE, BOB, type SendOptions } from '../support/start-front.ts';
import type { WholeFront } from '../support/whole-front.ts';
import { type Answer, answerOf, type Caller, describeRequest, type S3Call, type S3Request } from './s3-call.ts';
import { readXml, type Xml } from './s3-xml.ts';

const KEYS: Readonly<Record<Caller, SendOptions['keys']>> = { alice: ALICE, bob: BOB, nobody: undefined };
const LABEL = /‹[a-z]+ \d+›/g;
/** Labels that must stand for different ids; two tokens may well be the same. */
const UNIQUE_LABEL = /^‹(?:version|upload) \d+›$/;
/** What a server says of itself, of the connection and of this one request. */
const TELLS_NOTHING: ReadonlySet<string> = new Set([
  'connection',
  'date',
  'keep-alive',
  'server',
  'x-amz-id-2',
  'x-amz-request-id',
]);
const MADE_FOR_THE_REQUEST = /<(?:RequestId|HostId)>[^<]*<\/(?:RequestId|HostId)>/g;

/** A server under the model, and what stands there for each label: to every label one id, to every id one label. */
class Side {
  readonly name: string;
  readonly #whole: WholeFront;
  readonly #ids = new Map<string, string>();
  readonly #labels = new Map<string, string>();

  constructor(name: string, whole: WholeFront) {
    this.name = name;
    this.#whole = whole;
  }

  async reset(nowMs: number): Promise<void> {
    this.#ids.clear();
    this.#labels.clear();
    await this.#whole.reset();
    this.#whole.front.clock.now = nowMs;
  }

  advance(ms: number): void {
    this.#whole.front.clock.now += ms;
  }

  /** Whether each id that the request names has been in an answer; that of a quiet delete's marker has not. */
  knows({ query = [], headers = {}, body = '' }: S3Request): boolean {
    const sent = [...query.flat(), ...Object.values(headers), ...(typeof body === 'string' ? [body] : [])];
    return sent.every((text) => (text.match(LABEL) ?? []).every((label) => this.#ids.has(label)));
  }

  async send(request: S3Request): Promise<RawResponse> {
    const { caller = 'alice', method, bucket, key, query = [], headers = {}, body = '', hasDigest = false } = request;
    const path = `/${[bucket, key].filter((piece) => piece !== undefined).join('/')}`;
    const withIds = (text: string) => text.replace(LABEL, (label) => this.#ids.get(label) ?? label);
    const bytes = typeof body === 'string' ? Buffer.from(withIds(body)) : body;
    const digest = hasDigest ? { 'content-md5': createHash('md5').update(bytes).digest('base64') } : {};
    const withLabels = Object.entries(headers).map(([name, value]) => [name, withIds(value)]);
    return await this.#whole.front.send({
      keys: KEYS[caller],
      method,
      path: encodePath(path),
      query: query.map(([name, value]) => [name, withIds(value)] as const),
      headers: { ...Object.fromEntries(withLabels), ...digest },
      body: bytes,
    });
  }

  /** The answer with labels in place of ids, for the comparison of two servers. */
  normalise({ status, headers, body }: RawResponse): unknown {
    const labelled = (text: string) => {
      let result = text.replace(MADE_FOR_THE_REQUEST, '').replaceAll(this.#whole.front.host, 'host');
      for (const [id, label] of this.#labels) result = result.replaceAll(id, label);
      return result;
    };
    const telling = [...headers].filter(([name]) => !TELLS_NOTHING.has(name) && name !== 'content-length').sort();
    const isXml = headers.get('content-type') === 'application/xml';
    return {
      status,
      headers: telling.map(([name, value]) => [name, labelled(value)]),
      body: isXml ? labelled(body.toString()) : body,
    };
  }

  /** The first thing in which `response` is not `expected`; learns ids where a label comes up for the first time. */
  differenceFrom(expected: Answer, response: RawResponse): string | undefined {
    const text = response.body.toString();
    if (response.status !== expected.status) {
      return `status ${response.status} instead of ${expected.status}: ${text.slice(0, 1_000)}`;
    }
    return this.#differenceOfHeaders(expected, response) ?? this.#differenceOfBody(expected.body, response.body);
  }

  #differenceOfHeaders(expected: Answer, { headers }: RawResponse): string | undefined {
    const ofDocument = !(expected.body instanceof Uint8Array);
    const wanted = new Map(Object.entries(expected.headers));
    const names = new Set([...headers.keys(), ...wanted.keys()]);
    for (const name of names) {
      if (TELLS_NOTHING.has(name)) continue;
      if (ofDocument && !wanted.has(name) && (name === 'content-length' || name === 'content-type')) continue;
      const want = wanted.get(name);
      const found = headers.get(name);
      if (want === undefined ? found !== undefined : found === undefined || !this.#isSame(want, found)) {
        return `header ${name}: ${found} instead of ${want}`;
      }
    }
    return undefined;
  }

  #differenceOfBody(expected: Answer['body'], body: Buffer): string | undefined {
    if (expected === undefined) return body.length === 0 ? undefined : `a body: ${body.toString()}`;
    if (expected instanceof Uint8Array) {
      return body.equals(expected) ? undefined : `${body.length} other bytes than the ${expected.length} expected`;
    }
    const found = readXml(body.toString().replaceAll(this.#whole.front.host, 'host'));
    if (found[0] === 'Error') return this.#differenceOfElements(expected, ['Error', onlyCode(found)]);
    return this.#differenceOfElements(expected, found);
  }

  /** Elements of one name in their order; of elements of different names the order says nothing. */
  #differenceOfElements([name, content]: Xml, [foundName, foundContent]: Xml): string | undefined {
    if (name !== foundName) return `<${foundName}> instead of <${name}>`;
    if (typeof content === 'string' || typeof foundContent === 'string') {
      const isSame = typeof content === 'string' && typeof foundContent === 'string';
      if (isSame ? this.#isSame(content, foundContent) : content.length === 0 && foundContent.length === 0) return;
      return `<${name}> is ${JSON.stringify(foundContent)} instead of ${JSON.stringify(content)}`;
    }
    const [wanted, found] = [byName(content), byName(foundContent.filter(([child]) => child !== 'Message'))];
    const names = (children: readonly Xml[]) => children.map(([child]) => child);
    if (!isDeepStrictEqual(names(wanted), names(found))) {
      return `<${name}> has ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`;
    }
    for (const [index, child] of wanted.entries()) {
      const difference = this.#differenceOfElements(child, found[index] ?? ['', '']);
      if (difference !== undefined) return `${name}: ${difference}`;
    }
    return undefined;
  }

  #isSame(want: string, found: string): boolean {
    if (want.replace(LABEL, '') !== '' || want === '')
      return want.replace(LABEL, (label) => this.#ids.get(label) ?? label) === found;
    const known = this.#ids.get(want);
    if (known !== undefined) return known === found;
    if (found === '' || (UNIQUE_LABEL.test(want) && this.#labels.has(found))) return false;
    this.#ids.set(want, found);
    if (UNIQUE_LABEL.test(want)) this.#labels.set(found, want);
    return true;
  }
}

/** The two servers that the model is held against: each must answer as the model does, and as the other. */
export class ServerPair {
  readonly #sides: readonly Side[];
  /** Requests that both were sent. */
  requestsCount = 0;

  constructor(servers: Readonly<Record<string, WholeFront>>) {
    this.#sides = Object.entries(servers).map(([name, whole]) => new Side(name, whole));
  }

  async reset(nowMs: number): Promise<void> {
    for (const side of this.#sides) await side.reset(nowMs);
  }

  advance(ms: number): void {
    for (const side of this.#sides) side.advance(ms);
  }

  /**
   * Rejects where an answer is another than the model's, or the answers differ. A request that no client could send, for
   * no answer has told it an id, is left out.
   */
  async perform(call: S3Call): Promise<void> {
    if (!this.#sides.every((side) => side.knows(call.request))) return;
    this.requestsCount += 1;
    const expected = answerOf(call);
    const responses = await Promise.all(
      this.#sides.map(async (side) => [side, await side.send(call.request)] as const),
    );
    const seen: unknown[] = [];
    for (const [side, response] of responses) {
      const difference = side.differenceFrom(expected, response);
      if (difference !== undefined) throw new Error(`${side.name}: ${describeRequest(call.request)}: ${difference}`);
      seen.push(side.normalise(response));
    }
    const [first, ...others] = seen;
    for (const other of others) {
      if (isDeepStrictEqual(first, other)) continue;
      const [one, two] = [first, other].map((answer) => JSON.stringify(answer));
      throw new Error(`Both differ: ${describeRequest(call.request)}: ${one} and ${two}`);
    }
  }
}

function onlyCode([, content]: Xml): readonly Xml[] {
  return typeof content === 'string' ? [] : content.filter(([name]) => name === 'Code');
}

function byName(children: readonly Xml[]): readonly Xml[] {
  return children.toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)));
}
