import { randomNumbers } from '../../history/workload.ts';
import { encodePath } from '../../support/sign.ts';
import { Content } from '../content.ts';
import { type S3Answer, type S3Call, S3Client, type S3Endpoint } from '../s3-client.ts';
import type { Effect, HistoryStep, KnownVersion } from './load-history.ts';

export const BUCKETS = { plain: 'plain', versioned: 'versioned' } as const;

/** How often each step is taken, in relation to the others. */
const SHARES = {
  putSmall: 26,
  putMedium: 16,
  upload: 12,
  copy: 12,
  delete: 12,
  deleteVersion: 8,
};

/** Up to the longest inline body. */
const SMALL_BYTES = [8, 100, 5_000, 65_536] as const;
/** One frame of a blob, and two. */
const MEDIUM_BYTES = [65_537, 100_000, 300_000] as const;
const PART_BYTES = 5 * 1024 ** 2;
/** Of uploads, those whose first part is as long as one that is not the last must be. */
const LONG_UPLOAD_SHARE = 0.08;
const KEYS = 3;
const NULL_VERSION = 'null';

/** Makes the buckets, then runs writers beside each other; what they were told, as it must be found from then on. */
export async function runRecordedLoad(
  endpoint: S3Endpoint,
  load: { readonly writers: number; readonly stepsEach: number; readonly seed: number },
): Promise<HistoryStep[]> {
  const history: HistoryStep[] = [];
  using s3 = new S3Client(endpoint);
  const asked = new Asked(s3, history);
  for (const bucket of Object.values(BUCKETS)) {
    await asked.for({ method: 'PUT', path: `/${bucket}` }, () => ({ kind: 'create-bucket', bucket }));
  }
  const body = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
  const bucket = BUCKETS.versioned;
  const versioning: S3Call = { method: 'PUT', path: `/${bucket}`, query: [['versioning', '']], body };
  await asked.for(versioning, () => ({ kind: 'enable-versioning', bucket }));
  const run = async (index: number): Promise<void> => {
    using own = new S3Client(endpoint);
    const writer = new Writer({
      index,
      asked: new Asked(own, history),
      random: randomNumbers(load.seed * 1_009 + index),
    });
    for (let step = 0; step < load.stepsEach; step++) await writer.step();
  };
  await Promise.all(Array.from({ length: load.writers }, (_, index) => run(index)));
  return history;
}

/** A client whose every write must be acknowledged, and is noted in the history with its times. */
class Asked {
  readonly #s3: S3Client;
  readonly #history: HistoryStep[];

  constructor(s3: S3Client, history: HistoryStep[]) {
    this.#s3 = s3;
    this.#history = history;
  }

  async for(call: S3Call, effectOf: (answer: S3Answer) => Effect | undefined): Promise<S3Answer> {
    const beganAt = process.hrtime.bigint();
    const answer = await this.#s3.ask(call);
    if (answer.status >= 300 || answer.code !== '') {
      throw new Error(`${call.method} ${call.path} was answered ${answer.status}: ${answer.text}`);
    }
    const effect = effectOf(answer);
    if (effect !== undefined) this.#history.push({ effect, beganAt, endedAt: process.hrtime.bigint() });
    return answer;
  }
}

interface OwnKey {
  readonly bucket: string;
  readonly key: string;
  versions: KnownVersion[];
}

/** Writes keys that nobody else writes, one request after the other. */
class Writer {
  readonly #asked: Asked;
  readonly #random: () => number;
  readonly #keys: readonly OwnKey[];
  #nextContent: number;

  constructor(options: { readonly index: number; readonly asked: Asked; readonly random: () => number }) {
    const { index, asked, random } = options;
    this.#asked = asked;
    this.#random = random;
    this.#nextContent = index * 1_000_000;
    this.#keys = Object.values(BUCKETS).flatMap((bucket) =>
      Array.from({ length: KEYS }, (_, key) => ({ bucket, key: `writer ${index}/key-${key}`, versions: [] })),
    );
  }

  async step(): Promise<void> {
    const known = this.#pick(this.#keys);
    switch (this.#pickStep()) {
      case 'putSmall':
        return this.#put(known, this.#content(this.#pick(SMALL_BYTES)));
      case 'putMedium':
        return this.#put(known, this.#content(this.#pick(MEDIUM_BYTES)));
      case 'upload':
        return this.#upload(known);
      case 'copy':
        return this.#copy(known);
      case 'delete':
        return this.#delete(known);
      case 'deleteVersion':
        return this.#deleteVersion(known);
    }
  }

  async #put(known: OwnKey, content: Content): Promise<void> {
    await this.#write(known, { method: 'PUT', path: pathOf(known), body: { content } }, content);
  }

  async #copy(known: OwnKey): Promise<void> {
    const source = this.#pick(this.#keys);
    const content = source.versions.at(-1)?.content;
    if (content === undefined || source === known) return;
    const headers = { 'x-amz-copy-source': encodePath(pathOf(source)) };
    await this.#write(known, { method: 'PUT', path: pathOf(known), headers }, content);
  }

  async #delete(known: OwnKey): Promise<void> {
    const call = { method: 'DELETE', path: pathOf(known) };
    if (known.bucket === BUCKETS.versioned) return this.#write(known, call, undefined);
    await this.#remove(known, call, NULL_VERSION);
  }

  async #deleteVersion(known: OwnKey): Promise<void> {
    if (known.versions.length === 0) return;
    const { versionId } = this.#pick(known.versions);
    await this.#remove(known, { method: 'DELETE', path: pathOf(known), query: [['versionId', versionId]] }, versionId);
  }

  /** An upload of one or two parts, the first of them sometimes sent twice, that is completed, aborted or left. */
  async #upload(known: OwnKey): Promise<void> {
    const { bucket, key } = known;
    const path = pathOf(known);
    const lastBytes = this.#pick([...SMALL_BYTES, ...MEDIUM_BYTES]);
    const firstBytes = this.#random() < LONG_UPLOAD_SHARE ? PART_BYTES : 0;
    const content = this.#content(firstBytes + lastBytes);
    let uploadId = '';
    await this.#asked.for({ method: 'POST', path, query: [['uploads', '']] }, ({ text }) => {
      uploadId = /<UploadId>([^<]+)</.exec(text)?.[1] ?? '';
      return { kind: 'open-upload', bucket, key, uploadId };
    });
    const etags: string[] = [];
    const putPart = async (partNumber: number, body: NonNullable<S3Call['body']>): Promise<void> => {
      const query = [
        ['partNumber', String(partNumber)],
        ['uploadId', uploadId],
      ] as const;
      await this.#asked.for({ method: 'PUT', path, query, body }, ({ headers }) => {
        const etag = headers.etag ?? '';
        etags[partNumber - 1] = etag;
        return { kind: 'put-part', bucket, key, uploadId, partNumber, etag };
      });
    };
    const ranges = [
      [0, firstBytes],
      [firstBytes, content.sizeBytes],
    ] as const;
    const parts = ranges.filter(([start, end]) => end > start);
    if (this.#random() < 0.3) await putPart(1, { content: this.#content(this.#pick(MEDIUM_BYTES)) });
    for (const [index, range] of parts.entries()) await putPart(index + 1, { content, range });
    const end = this.#random();
    if (end < 0.15) return;
    const query = [['uploadId', uploadId]] as const;
    if (end < 0.3) {
      await this.#asked.for({ method: 'DELETE', path, query }, () => ({ kind: 'abort-upload', bucket, key, uploadId }));
      return;
    }
    const listed = etags.map((etag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${etag}</ETag></Part>`);
    const body = `<CompleteMultipartUpload>${listed.join('')}</CompleteMultipartUpload>`;
    await this.#write(known, { method: 'POST', path, query, body }, content, uploadId);
  }

  async #write(known: OwnKey, call: S3Call, written: KnownVersion['content'], uploadId?: string): Promise<void> {
    const { bucket, key } = known;
    const content = written && { id: written.id, sizeBytes: written.sizeBytes };
    await this.#asked.for(call, ({ headers }) => {
      const id = headers['x-amz-version-id'];
      const versionId = typeof id === 'string' ? id : NULL_VERSION;
      known.versions = [...known.versions.filter((version) => version.versionId !== versionId), { versionId, content }];
      return { kind: 'put', bucket, key, versionId, content, uploadId };
    });
  }

  async #remove(known: OwnKey, call: S3Call, versionId: string): Promise<void> {
    const { bucket, key } = known;
    await this.#asked.for(call, () => {
      known.versions = known.versions.filter((version) => version.versionId !== versionId);
      return { kind: 'remove', bucket, key, versionId };
    });
  }

  #pickStep(): keyof typeof SHARES {
    let left = this.#random() * Object.values(SHARES).reduce((sum, share) => sum + share, 0);
    for (const [step, share] of Object.entries(SHARES)) {
      left -= share;
      if (left < 0 && isStep(step)) return step;
    }
    return 'putSmall';
  }

  #pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.#random() * items.length)];
    if (item === undefined) throw new RangeError('There is nothing to pick from.');
    return item;
  }

  #content(sizeBytes: number): Content {
    return new Content(this.#nextContent++, sizeBytes);
  }
}

function pathOf({ bucket, key }: OwnKey): string {
  return `/${bucket}/${key}`;
}

function isStep(text: string): text is keyof typeof SHARES {
  return text in SHARES;
}
