import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { isoTime } from './s3-bucket-calls.ts';
import { Refused, type S3Call, succeed } from './s3-call.ts';
import {
  bucketName,
  checksumOf,
  type KeyChoice,
  keyChoice,
  keyOf,
  md5,
  PART_BYTES_MIN,
  PARTS,
  type PartName,
  uploadOf,
  type WriteCondition,
  writeCondition,
} from './s3-choices.ts';
import type { Plan } from './s3-command.ts';
import { checksumXml, type SourceChoice, sourceChoice, sourceHeader, sourceOf } from './s3-copy-calls.ts';
import type { Checksum, MadeId, NaiveBucket, NaivePart, NaiveS3, NaiveUpload } from './s3-state.ts';
import {
  conditionHeaders,
  type Described,
  describe,
  described,
  descriptionHeaders,
  newVersionHeader,
  requireCondition,
} from './s3-write-calls.ts';
import { writeXml, type Xml } from './s3-xml.ts';

const PART_NUMBERS = [1, 2, 2, 3, 10_000];
const COPY_RANGES = [undefined, undefined, 'bytes=0-0', 'bytes=1-12', 'bytes=2-1', 'bytes=0-69999'];
const CHECKSUMS = [
  undefined,
  undefined,
  { name: 'SHA256', type: 'COMPOSITE' },
  { name: 'CRC32', type: 'COMPOSITE' },
  { name: 'CRC32', type: 'FULL_OBJECT' },
] as const;
/** What stands in the list of a complete: all parts as they are, or something that S3 refuses. */
const LISTS = ['all', 'all', 'all', 'last', 'none', 'falling', 'missing', 'other-etag'] as const;

interface Slot {
  readonly bucket: string;
  readonly pick: number;
  readonly partNumber: number;
}
const slot: fc.Arbitrary<Slot> = fc.record({
  bucket: bucketName,
  pick: fc.nat(40),
  partNumber: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...PART_NUMBERS) },
    { weight: 1, arbitrary: fc.constantFrom(0, 10_001) },
  ),
});

/** Multipart uploads, but for their listings. */
export const multipartCalls: readonly fc.WeightedArbitrary<Plan>[] = [
  {
    weight: 6,
    arbitrary: fc.record({ bucket: bucketName, key: keyChoice, asked: fc.constantFrom(...CHECKSUMS), described }).map(
      ({ described: description, ...choice }): Plan =>
        (s3) =>
          createUpload(s3, { ...choice, ...description }),
    ),
  },
  {
    weight: 10,
    arbitrary: fc
      .tuple(slot, fc.constantFrom<PartName[]>('short', 'one', 'empty', 'other', 'long', 'large', 'large', 'large'))
      .map(
        ([at, body]): Plan =>
          (s3) =>
            uploadPart(s3, at, body),
      ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(slot, sourceChoice, fc.constantFrom(...COPY_RANGES)).map(
      ([at, source, range]): Plan =>
        (s3) =>
          uploadPartCopy(s3, at, { source, range }),
    ),
  },
  {
    weight: 8,
    arbitrary: fc
      .record({ bucket: bucketName, pick: fc.nat(40), list: fc.constantFrom(...LISTS), condition: writeCondition })
      .map(
        (choice): Plan =>
          (s3) =>
            completeUpload(s3, choice),
      ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(bucketName, fc.nat(40)).map(
      ([bucket, pick]): Plan =>
        (s3) =>
          abortUpload(s3, bucket, pick),
    ),
  },
];

/** The upload, while it is open. */
export function requireUpload(bucket: NaiveBucket, { id, key }: Pick<MadeId, 'id' | 'key'>): NaiveUpload {
  const upload = bucket.uploads.get(id);
  if (upload?.key !== key || upload.state !== 'open') throw new Refused('NoSuchUpload');
  return upload;
}

function createUpload(
  s3: NaiveS3,
  choice: Described & { readonly bucket: string; readonly key: KeyChoice } & Pick<NaiveUpload, 'asked'>,
): S3Call {
  const { asked } = choice;
  const key = keyOf(s3, choice.bucket, choice.key);
  const sums = asked && { 'x-amz-checksum-algorithm': asked.name, 'x-amz-checksum-type': asked.type };
  return {
    request: {
      method: 'POST',
      bucket: choice.bucket,
      key,
      query: [['uploads', '']],
      headers: { ...descriptionHeaders(choice), ...sums },
    },
    answer() {
      const bucket = s3.bucket(choice.bucket);
      const upload = s3.addUpload(bucket, key, { ...describe(bucket, choice), asked });
      const result: Xml = [
        'InitiateMultipartUploadResult',
        [
          ['Bucket', bucket.name],
          ['Key', key],
          ['UploadId', upload.id],
        ],
      ];
      return succeed(200, { ...sums }, result);
    },
  };
}

function uploadPart(s3: NaiveS3, at: Slot, bodyName: PartName): S3Call | undefined {
  const target = uploadOf(s3, at.bucket, at.pick);
  if (target === undefined) return undefined;
  const body = PARTS[bodyName];
  return {
    request: { method: 'PUT', bucket: at.bucket, key: target.key, query: partQuery(at, target), body },
    answer() {
      const bucket = s3.bucket(at.bucket);
      requirePartNumber(at);
      const upload = requireUpload(bucket, target);
      const part = putPart(s3, bucket, {
        upload,
        number: at.partNumber,
        body,
        name: upload.asked?.name ?? 'CRC64NVME',
      });
      const { name, value } = part.checksum;
      return succeed(200, { etag: `"${part.etag}"`, [`x-amz-checksum-${name.toLowerCase()}`]: value });
    },
  };
}

function uploadPartCopy(
  s3: NaiveS3,
  at: Slot,
  choice: { readonly source: SourceChoice; readonly range: string | undefined },
): S3Call | undefined {
  const target = uploadOf(s3, at.bucket, at.pick);
  if (target === undefined) return undefined;
  const source = sourceOf(s3, choice.source);
  const ranged = choice.range && { 'x-amz-copy-source-range': choice.range };
  return {
    request: {
      method: 'PUT',
      bucket: at.bucket,
      key: target.key,
      query: partQuery(at, target),
      headers: { ...source.headers, ...ranged },
    },
    answer() {
      const bucket = s3.bucket(at.bucket);
      requirePartNumber(at);
      const [, first = 0, last = Number.POSITIVE_INFINITY] =
        /^bytes=(\d+)-(\d+)$/.exec(choice.range ?? '')?.map(Number) ?? [];
      if (first > last) throw new Refused('InvalidArgument');
      const upload = requireUpload(bucket, target);
      const { bucket: from, object } = source.find();
      if (choice.range !== undefined && last >= object.body.length) throw new Refused('InvalidRange');
      const name = upload.asked?.name ?? object.checksum?.name ?? 'CRC64NVME';
      const body = choice.range === undefined ? object.body : object.body.subarray(first, last + 1);
      const { etag, checksum, modifiedMs } = putPart(s3, bucket, { upload, number: at.partNumber, body, name });
      return succeed(200, sourceHeader(from, object), [
        'CopyPartResult',
        [['LastModified', isoTime(modifiedMs)], ['ETag', `"${etag}"`], ...checksumXml(checksum)],
      ]);
    },
  };
}

function partQuery({ partNumber }: Slot, { id }: MadeId): [string, string][] {
  return [
    ['partNumber', String(partNumber)],
    ['uploadId', id],
  ];
}

function requirePartNumber({ partNumber }: Slot): void {
  if (partNumber < 1 || partNumber > 10_000) throw new Refused('InvalidArgument');
}

/** A checksum that nobody asked for is of the whole, where its algorithm can be that. */
function putPart(
  s3: NaiveS3,
  bucket: NaiveBucket,
  sent: {
    readonly upload: NaiveUpload;
    readonly number: number;
    readonly body: Uint8Array;
    readonly name: Checksum['name'];
  },
): NaivePart {
  const { upload, number, body, name } = sent;
  const type = upload.asked?.type ?? (name === 'SHA256' ? 'COMPOSITE' : 'FULL_OBJECT');
  const checksum = { name, type, value: checksumOf(name, body) } as const;
  const part: NaivePart = { number, body, etag: md5(body), modifiedMs: s3.nowMs, checksum };
  bucket.uploads.set(upload.id, { ...upload, parts: new Map([...upload.parts, [number, part]]) });
  return part;
}

function completeUpload(
  s3: NaiveS3,
  choice: {
    readonly bucket: string;
    readonly pick: number;
    readonly list: (typeof LISTS)[number];
    readonly condition: WriteCondition | undefined;
  },
): S3Call | undefined {
  const target = uploadOf(s3, choice.bucket, choice.pick);
  if (target === undefined) return undefined;
  const { key, id } = target;
  const condition = conditionHeaders(s3, { bucket: choice.bucket, key }, choice.condition);
  const parts = sortedParts(s3.buckets.get(choice.bucket)?.uploads.get(id));
  const listed = listOf(parts, choice.list);
  const body = writeXml([
    'CompleteMultipartUpload',
    listed.map(
      ({ number, etag }): Xml => [
        'Part',
        [
          ['PartNumber', String(number)],
          ['ETag', `"${etag}"`],
        ],
      ],
    ),
  ]);
  return {
    request: { method: 'POST', bucket: choice.bucket, key, query: [['uploadId', id]], body, headers: condition },
    answer() {
      const bucket = s3.bucket(choice.bucket);
      if (listed.length === 0) throw new Refused('MalformedXML');
      if (listed.some(({ number }, index) => number <= (listed[index - 1]?.number ?? 0))) {
        throw new Refused('InvalidPartOrder');
      }
      const found = bucket.uploads.get(id);
      if (found?.key !== key) throw new Refused('NoSuchUpload');
      const state = found.state === 'open' ? complete(s3, bucket, { upload: found, listed, condition }) : found.state;
      // A complete that is repeated answers as the first did, whatever its condition says.
      if (state.etag !== etagOf(listed)) throw new Refused('InvalidPart');
      return succeed(200, newVersionHeader(state.versionId), [
        'CompleteMultipartUploadResult',
        [
          ['Location', `http://host/${bucket.name}/${key.split('/').map(encodeURIComponent).join('/')}`],
          ['Bucket', bucket.name],
          ['Key', key],
          ['ETag', `"${state.etag}"`],
          ...checksumXml(state.checksum),
          ...(state.checksum === undefined ? [] : [['ChecksumType', state.checksum.type] as const]),
        ],
      ]);
    },
  };
}

/** Makes the version, and keeps of the upload what was answered. */
function complete(
  s3: NaiveS3,
  bucket: NaiveBucket,
  {
    upload,
    listed,
    condition,
  }: {
    readonly upload: NaiveUpload;
    readonly listed: readonly Pick<NaivePart, 'number' | 'etag'>[];
    readonly condition: Readonly<Record<string, string>>;
  },
) {
  const parts = listed.map(({ number, etag }) => {
    const part = upload.parts.get(number);
    if (part?.etag !== etag) throw new Refused('InvalidPart');
    return part;
  });
  if (parts.slice(0, -1).some((part) => part.body.length < PART_BYTES_MIN)) throw new Refused('EntityTooSmall');
  requireCondition(bucket, upload.key, condition);
  const body =
    parts.length === 1 && parts[0] !== undefined ? parts[0].body : Buffer.concat(parts.map((part) => part.body));
  const { headers, tags, acl, owner } = upload;
  const draft = {
    headers,
    tags,
    acl,
    owner,
    body,
    etag: etagOf(listed),
    checksum: checksumOfParts(parts, body),
    parts,
  };
  const { id: versionId, etag, checksum } = s3.put(bucket, upload.key, draft);
  const state = { versionId, etag, checksum };
  bucket.uploads.set(upload.id, { ...upload, state });
  return state;
}

function abortUpload(s3: NaiveS3, name: string, pick: number): S3Call | undefined {
  const target = uploadOf(s3, name, pick);
  if (target === undefined) return undefined;
  return {
    request: { method: 'DELETE', bucket: name, key: target.key, query: [['uploadId', target.id]] },
    answer() {
      const bucket = s3.bucket(name);
      requireUpload(bucket, target);
      bucket.uploads.delete(target.id);
      return succeed(204);
    },
  };
}

/** Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html */
function checksumOfParts(parts: readonly NaivePart[], body: Uint8Array): Checksum | undefined {
  const [first] = parts;
  if (first === undefined || parts.some((part) => part.checksum.name !== first.checksum.name)) return undefined;
  const { name, type } = first.checksum;
  if (type === 'FULL_OBJECT') return { name, type, value: checksumOf(name, body) };
  const sums = Buffer.concat(parts.map((part) => Buffer.from(part.checksum.value, 'base64')));
  return { name, type, value: `${checksumOf(name, sums)}-${parts.length}` };
}

function etagOf(parts: readonly Pick<NaivePart, 'etag'>[]): string {
  const hash = createHash('md5');
  for (const { etag } of parts) hash.update(etag, 'hex');
  return `${hash.digest('hex')}-${parts.length}`;
}

export function sortedParts(upload: NaiveUpload | undefined): readonly NaivePart[] {
  return [...(upload?.parts.values() ?? [])].sort((a, b) => a.number - b.number);
}

function listOf(
  parts: readonly NaivePart[],
  list: (typeof LISTS)[number],
): readonly Pick<NaivePart, 'number' | 'etag'>[] {
  switch (list) {
    case 'all':
      return parts;
    case 'last':
      return parts.slice(-1);
    case 'none':
      return [];
    case 'falling':
      return parts.toReversed();
    case 'missing':
      return [...parts.filter(({ number }) => number < 9_999), { number: 9_999, etag: md5('') }];
    case 'other-etag':
      return parts.map(({ number }) => ({ number, etag: md5('none of them') }));
  }
}
