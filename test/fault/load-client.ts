import { setTimeout } from 'node:timers/promises';
import { randomNumbers } from '../history/workload.ts';
import { encodePath } from '../support/sign.ts';
import { Content, contentIdOf } from './content.ts';
import { type LeftUpload, PlainKey, VersionedKey, type VersionWrite } from './known-keys.ts';
import { listKeys, listVersions } from './listings.ts';
import { NoServerError, type S3Answer, type S3Call, S3Client, type S3Endpoint } from './s3-client.ts';

export interface Buckets {
  readonly plain: string;
  readonly versioned: string;
}

/** How often each step is taken, in relation to the others. */
const SHARES = {
  putSmall: 24,
  putMedium: 16,
  putMultipart: 3,
  leaveUpload: 1,
  abortUpload: 1,
  copy: 10,
  delete: 8,
  get: 14,
  putVersion: 12,
  deleteCurrent: 3,
  deleteVersion: 4,
  getVersion: 4,
  list: 1,
  listVersions: 1,
};

type Step = keyof typeof SHARES;

const SHARES_SUM = Object.values(SHARES).reduce((sum, share) => sum + share, 0);

/** Around the longest inline body. */
const SMALL_BYTES = [8, 100, 4_096, 16_384, 65_537];
const MEDIUM_BYTES = 100 * 1024;
const PART_BYTES = 5 * 1024 ** 2;
const KEYS = 6;
/** Versions that a client keeps of a key, and uploads that it leaves open: a load of hours fills no disk. */
const VERSIONS_KEPT_MAX = 20;
const UPLOADS_LEFT_MAX = 4;
/** Before a client tries to connect again, in milliseconds. */
const PAUSE_MS = 50;

/** What a client has done so far, in requests that change something. */
export interface Counts {
  acknowledged: number;
  inDoubt: number;
}

/**
 * A client of the mixed load, with keys of its own: one request after the other, so that it knows what each of its
 * keys must hold. It lives on when the server is started again.
 */
export class LoadClient {
  readonly plainKeys: readonly PlainKey[];
  readonly versionedKeys: readonly VersionedKey[];
  readonly leftUploads: LeftUpload[] = [];
  readonly counts: Counts = { acknowledged: 0, inDoubt: 0 };
  readonly #prefix: string;
  readonly #buckets: Buckets;
  readonly #random: () => number;
  #nextContentId: number;
  #isOver: () => boolean = () => true;
  #s3: S3Client | undefined;

  constructor(options: { readonly index: number; readonly seed: number; readonly buckets: Buckets }) {
    const { index, seed, buckets } = options;
    this.#prefix = `client ${index}/`;
    const keys = Array.from({ length: KEYS }, (_, number) => `${this.#prefix}key-${number}`);
    this.plainKeys = keys.map((key) => new PlainKey(key));
    this.versionedKeys = keys.map((key) => new VersionedKey(key));
    this.#buckets = buckets;
    this.#random = randomNumbers(seed * 1_009 + index);
    this.#nextContentId = index * 1_000_000;
  }

  /**
   * Takes one step after the other until `isOver`, each when it is its turn. Throws for an answer that is none of those
   * it may get.
   */
  async run(endpoint: S3Endpoint, isOver: () => boolean, turn?: () => Promise<void>): Promise<void> {
    using s3 = new S3Client(endpoint);
    this.#s3 = s3;
    this.#isOver = isOver;
    while (!isOver()) {
      await turn?.();
      await this.#take(this.#pickStep());
    }
    this.#s3 = undefined;
  }

  #take(step: Step): Promise<void> {
    switch (step) {
      case 'putSmall':
        return this.#put(this.#content(this.#pick(SMALL_BYTES)));
      case 'putMedium':
        return this.#put(this.#content(MEDIUM_BYTES));
      case 'putMultipart':
      case 'abortUpload':
        return this.#upload(step);
      case 'leaveUpload':
        return this.leftUploads.length < UPLOADS_LEFT_MAX ? this.#upload(step) : this.#endLeftUpload();
      case 'copy':
        return this.#copy();
      case 'delete':
        return this.#delete();
      case 'get':
        return this.#get();
      case 'putVersion':
        return this.#putVersion();
      case 'deleteCurrent':
        return this.#deleteCurrent();
      case 'deleteVersion':
        return this.#deleteVersion();
      case 'getVersion':
        return this.#getVersion();
      case 'list':
        return this.#list();
      case 'listVersions':
        return this.#listVersions();
    }
  }

  async #put(content: Content): Promise<void> {
    const known = this.#pick(this.plainKeys);
    const answer = await this.#write({ method: 'PUT', path: this.#plainPath(known), body: { content } }, 200);
    if (answer === undefined) known.doubt(content);
    else known.settle(content);
  }

  async #copy(): Promise<void> {
    const source = this.#pick(this.plainKeys);
    const target = this.#pick(this.plainKeys);
    const content = source.object;
    if (content === undefined || source === target) return;
    const headers = { 'x-amz-copy-source': encodePath(this.#plainPath(source)) };
    const answer = await this.#write({ method: 'PUT', path: this.#plainPath(target), headers }, 200);
    if (answer === undefined) target.doubt(content);
    else target.settle(content);
  }

  async #delete(): Promise<void> {
    const known = this.#pick(this.plainKeys);
    const answer = await this.#write({ method: 'DELETE', path: this.#plainPath(known) }, 204);
    if (answer === undefined) known.doubt(undefined);
    else known.settle(undefined);
  }

  async #get(): Promise<void> {
    await this.#send((s3) => readPlainKey(s3, this.#buckets.plain, this.#pick(this.plainKeys)));
  }

  async #putVersion(): Promise<void> {
    const known = this.#pick(this.versionedKeys);
    if (known.kept.length >= VERSIONS_KEPT_MAX) return this.#deleteVersionOf(known);
    const content = this.#content(this.#random() < 0.5 ? this.#pick(SMALL_BYTES) : MEDIUM_BYTES);
    const answer = await this.#write({ method: 'PUT', path: this.#versionedPath(known), body: { content } }, 200);
    known.writes.push({ content, versionId: versionIdOf(answer), removed: 'no' });
  }

  async #deleteCurrent(): Promise<void> {
    const known = this.#pick(this.versionedKeys);
    const answer = await this.#write({ method: 'DELETE', path: this.#versionedPath(known) }, 204);
    known.writes.push({ content: undefined, versionId: versionIdOf(answer), removed: 'no' });
  }

  async #deleteVersion(): Promise<void> {
    await this.#deleteVersionOf(this.#pick(this.versionedKeys));
  }

  async #deleteVersionOf(known: VersionedKey): Promise<void> {
    const write = this.#pickKept(known);
    if (write?.versionId === undefined) return;
    const query = [['versionId', write.versionId]] as const;
    const answer = await this.#write({ method: 'DELETE', path: this.#versionedPath(known), query }, 204);
    write.removed = answer === undefined ? 'maybe' : 'yes';
    known.forgetRemoved();
  }

  async #getVersion(): Promise<void> {
    const known = this.#pick(this.versionedKeys);
    const write = this.#pickKept(known);
    if (write?.versionId === undefined || write.content === undefined) return;
    const query = [['versionId', write.versionId]] as const;
    const call: S3Call = { method: 'GET', path: this.#versionedPath(known), query, expected: write.content };
    requireStatus(call, await this.#send((s3) => s3.send(call)), 200);
  }

  /** Every key that must be there is listed, and none that cannot be. */
  async #list(): Promise<void> {
    const listed = await this.#send((s3) => listKeys(s3, { bucket: this.#buckets.plain, prefix: this.#prefix }));
    if (listed === undefined) return;
    for (const { key, possible } of this.plainKeys) {
      if (listed.has(key) ? possible.size === 1 && possible.has(undefined) : !possible.has(undefined))
        throw new Error(`${key} is ${listed.has(key) ? 'gone, and' : 'there, and not'} listed.`);
    }
  }

  async #listVersions(): Promise<void> {
    const range = { bucket: this.#buckets.versioned, prefix: this.#prefix };
    const listed = await this.#send((s3) => listVersions(s3, range));
    if (listed === undefined) return;
    for (const { key, kept } of this.versionedKeys) {
      const ids = new Set(listed.get(key)?.map(({ versionId }) => versionId));
      const lost = kept.find(({ versionId }) => !ids.has(versionId));
      if (lost !== undefined) throw new Error(`Version ${lost.versionId} of ${key} is there, and not listed.`);
    }
  }

  /** Completes the upload that was left first, or aborts it where a part is missing. */
  async #endLeftUpload(): Promise<void> {
    const upload = this.leftUploads.shift();
    if (upload === undefined) return;
    if (upload.etags.length >= 2) return this.#complete(upload);
    const query = [['uploadId', upload.uploadId]] as const;
    await this.#write({ method: 'DELETE', path: `/${this.#buckets.plain}/${upload.key}`, query }, 204);
  }

  async #complete(upload: LeftUpload): Promise<void> {
    const known = this.plainKeys.find(({ key }) => key === upload.key);
    const answer = await this.#writeUntilAnswered(completeCall(this.#buckets.plain, upload), 200);
    if (answer === undefined) known?.doubt(upload.content);
    else known?.settle(upload.content);
  }

  /** An upload of two parts, sent again where they are not answered, that is completed, left or aborted. */
  async #upload(step: Step): Promise<void> {
    const known = this.#pick(this.plainKeys);
    const path = this.#plainPath(known);
    const content = this.#content(PART_BYTES + this.#pick(SMALL_BYTES));
    const created = await this.#write({ method: 'POST', path, query: [['uploads', '']] }, 200);
    const uploadId = /<UploadId>([^<]+)</.exec(created?.text ?? '')?.[1];
    if (uploadId === undefined) return;
    const etags: string[] = [];
    for (const range of [[0, PART_BYTES] as const, [PART_BYTES, content.sizeBytes] as const]) {
      const query = [
        ['partNumber', String(etags.length + 1)],
        ['uploadId', uploadId],
      ] as const;
      const answer = await this.#writeUntilAnswered({ method: 'PUT', path, query, body: { content, range } }, 200);
      if (answer === undefined) break;
      etags.push(answer.headers.etag ?? '');
    }
    const upload = { key: known.key, uploadId, content, etags };
    if (step === 'abortUpload') {
      await this.#write({ method: 'DELETE', path, query: [['uploadId', uploadId]] }, 204);
    } else if (step === 'leaveUpload' || etags.length < 2) {
      this.leftUploads.push(upload);
    } else {
      await this.#complete(upload);
    }
  }

  /** `undefined` where it was not answered. */
  async #write(call: S3Call, status: number): Promise<S3Answer | undefined> {
    const answer = requireStatus(call, await this.#send((s3) => s3.send(call)), status);
    if (answer === undefined) this.counts.inDoubt++;
    else this.counts.acknowledged++;
    return answer;
  }

  /** `undefined` where the load was over before it was answered. */
  async #writeUntilAnswered(call: S3Call, status: number): Promise<S3Answer | undefined> {
    for (;;) {
      const answer = await this.#write(call, status);
      if (answer !== undefined || this.#isOver()) return answer;
    }
  }

  /** Waits where nobody listens, until the load is over. */
  async #send<T>(send: (s3: S3Client) => Promise<T | undefined>): Promise<T | undefined> {
    while (this.#s3 !== undefined) {
      try {
        return await send(this.#s3);
      } catch (error) {
        if (!(error instanceof NoServerError)) throw error;
        if (this.#isOver()) return undefined;
        await setTimeout(PAUSE_MS);
      }
    }
    return undefined;
  }

  #pickStep(): Step {
    let left = this.#random() * SHARES_SUM;
    for (const [step, share] of Object.entries(SHARES)) {
      left -= share;
      if (left < 0 && isStep(step)) return step;
    }
    return 'get';
  }

  /** A version that must be there. */
  #pickKept({ kept }: VersionedKey): VersionWrite | undefined {
    return kept.length === 0 ? undefined : this.#pick(kept);
  }

  #pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.#random() * items.length)];
    if (item === undefined) throw new RangeError('There is nothing to pick from.');
    return item;
  }

  #content(sizeBytes: number): Content {
    return new Content(this.#nextContentId++, sizeBytes);
  }

  #plainPath({ key }: PlainKey): string {
    return `/${this.#buckets.plain}/${key}`;
  }

  #versionedPath({ key }: VersionedKey): string {
    return `/${this.#buckets.versioned}/${key}`;
  }
}

/** Reads a key, and settles what it holds; `undefined` where that was not answered. Throws for what it cannot hold. */
export async function readPlainKey(s3: S3Client, bucket: string, known: PlainKey): Promise<S3Answer | undefined> {
  const call: S3Call = { method: 'GET', path: `/${bucket}/${known.key}` };
  const answer = await s3.send(call);
  if (answer === undefined) return undefined;
  if (answer.status !== 200 && answer.code !== 'NoSuchKey') throw unexpected(call, answer);
  const { status, bytes } = answer;
  const held = [...known.possible].filter((content) =>
    content === undefined
      ? status === 404
      : status === 200 && content.sizeBytes === bytes.length && content.has(bytes, 0),
  );
  if (held.length === 0) {
    const possible = [...known.possible].map((content) => content?.id ?? 'nothing').join(' or ');
    const found = status === 404 ? 'nothing' : `${bytes.length} bytes that claim to be ${contentIdOf(bytes)}`;
    throw new Error(`${bucket}/${known.key} must hold ${possible}, and holds ${found}.`);
  }
  known.settle(held[0]);
  return answer;
}

export function completeCall(bucket: string, { key, uploadId, etags }: LeftUpload): S3Call {
  const parts = etags.map((etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`);
  const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
  return { method: 'POST', path: `/${bucket}/${key}`, query: [['uploadId', uploadId]], body };
}

/** `answer`, if it has this status, or there is none. */
export function requireStatus(call: S3Call, answer: S3Answer | undefined, status: number): S3Answer | undefined {
  if (answer !== undefined && (answer.status !== status || answer.code !== '')) throw unexpected(call, answer);
  return answer;
}

export function unexpected({ method, path }: S3Call, { status, text }: S3Answer): Error {
  return new Error(`${method} ${path} was answered ${status}: ${text}`);
}

function versionIdOf(answer: S3Answer | undefined): string | undefined {
  const id = answer?.headers['x-amz-version-id'];
  if (answer !== undefined && typeof id !== 'string')
    throw new Error('A write to a bucket with versions gave no version id.');
  return typeof id === 'string' ? id : undefined;
}

function isStep(text: string): text is Step {
  return text in SHARES;
}
