import { createHash } from 'node:crypto';
import { sha256 } from '../s3-client/sign-request.ts';
import { parseXml, type XmlElement } from '../xml/parse.ts';
import type { Bodies } from './bodies.ts';
import type { Connection } from './connection.ts';
import {
  connectTo,
  type Exchange,
  exchange,
  type PreparedRequest,
  prepareRequest,
  type Target,
  TargetError,
  type TargetRequest,
} from './target.ts';

/** The region whose name S3 does not want to hear when a bucket is made. */
const DEFAULT_REGION = 'us-east-1';
/** Deleted by one request. */
const DELETED_KEYS = '1000';

export interface PlaceParts {
  readonly target: Target;
  readonly bucket: string;
  readonly bodies: Bodies;
  readonly clock: { nowMs(): number };
}

/** A bucket of one run's own on one target, and what workloads need to work in it. */
export class Place {
  readonly target: Target;
  readonly bodies: Bodies;
  readonly clock: { nowMs(): number };
  readonly #bucket: string;
  readonly #done = new Set<string>();

  private constructor({ target, bucket, bodies, clock }: PlaceParts) {
    this.target = target;
    this.bodies = bodies;
    this.clock = clock;
    this.#bucket = bucket;
  }

  /** Makes the bucket. Throws `TargetError`. */
  static async open(parts: PlaceParts, { signal }: { readonly signal: AbortSignal }): Promise<Place> {
    const place = new Place(parts);
    using line = await place.connect({ signal });
    const { region } = parts.target;
    const location = `<CreateBucketConfiguration><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`;
    const body = region === DEFAULT_REGION ? {} : { body: document(location) };
    await place.exchange(line, { request: place.prepare({ method: 'PUT', ...body }), status: 200 });
    return place;
  }

  get description(): string {
    return `the bucket ${this.#bucket} of ${this.target.name}`;
  }

  /** Signs a request on the bucket. */
  prepare(request: Omit<TargetRequest, 'bucket'>): PreparedRequest {
    return prepareRequest(this.target, { ...request, bucket: this.#bucket }, this.clock.nowMs());
  }

  exchange(connection: Connection, parts: Exchange) {
    return exchange(connection, this.target, parts);
  }

  /** Sends one request and reads the XML that answers it. */
  async ask(connection: Connection, request: Omit<TargetRequest, 'bucket'>): Promise<XmlElement> {
    const { body } = await this.exchange(connection, { request: this.prepare(request), status: 200 });
    return parseXml(body);
  }

  /** A connection that `signal` closes; a request that runs on it is rejected with the signal's reason. */
  async connect({ signal }: { readonly signal: AbortSignal }): Promise<Connection> {
    signal.throwIfAborted();
    const connection = await connectTo(this.target);
    connection.closeWith(signal);
    return connection;
  }

  wrong(message: string): TargetError {
    return new TargetError(`${this.target.name}: ${message}`, { kind: 'wrong-answer' });
  }

  /** Runs `step` the first time that it is asked for under this name. */
  async once(name: string, step: () => Promise<void>): Promise<void> {
    if (this.#done.has(name)) return;
    await step();
    this.#done.add(name);
  }

  /** Deletes the bucket and all that is in it, open uploads included. Throws `TargetError`. */
  async remove({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    using line = await this.connect({ signal });
    for (;;) {
      const keys = childrenOf(await this.ask(line, LIST_KEYS), 'Contents').map((row) => textOf(row, 'Key'));
      if (keys.length === 0) break;
      await this.#deleteKeys(line, keys);
    }
    for (const upload of childrenOf(await this.ask(line, { method: 'GET', query: { uploads: '' } }), 'Upload')) {
      const query = { uploadId: textOf(upload, 'UploadId') };
      const request = this.prepare({ method: 'DELETE', key: textOf(upload, 'Key'), query });
      await this.exchange(line, { request, status: 204 });
    }
    await this.exchange(line, { request: this.prepare({ method: 'DELETE' }), status: 204 });
  }

  async #deleteKeys(connection: Connection, keys: readonly string[]): Promise<void> {
    const rows = keys.map((key) => `<Object><Key>${key}</Key></Object>`).join('');
    const body = document(`<Delete><Quiet>true</Quiet>${rows}</Delete>`);
    const md5 = createHash('md5').update(body.bytes).digest('base64');
    const request = { method: 'POST', query: { delete: '' }, headers: { 'content-md5': md5 }, body } as const;
    const [problem] = childrenOf(await this.ask(connection, request), 'Error');
    if (problem !== undefined)
      throw this.wrong(`${textOf(problem, 'Key')} was not deleted: ${textOf(problem, 'Code')}`);
  }
}

const LIST_KEYS = { method: 'GET', query: { 'list-type': '2', 'max-keys': DELETED_KEYS } } as const;

/** A body of XML. Its names and values need no escapes. */
export function document(xml: string) {
  const bytes = Buffer.from(xml);
  return { bytes, sha256: sha256(bytes) };
}

export function childrenOf(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.filter((child) => child.name === name);
}

export function textOf(element: XmlElement, name: string): string {
  return childrenOf(element, name)[0]?.text ?? '';
}
