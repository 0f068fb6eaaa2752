import fc from 'fast-check';
import { type Answer, type Caller, Refused, type S3Call, succeed } from './s3-call.ts';
import {
  bucketName,
  checksumHeaders,
  etagFor,
  type KeyChoice,
  keyChoice,
  keyOf,
  type VersionChoice,
  versionChoice,
  versionIdOf,
  versionQuery,
} from './s3-choices.ts';
import type { Plan } from './s3-command.ts';
import { httpDate, requireObject, versionHeader } from './s3-rights.ts';
import { currentObject, type NaiveBucket, type NaiveObject, type NaiveS3, OWNER } from './s3-state.ts';
import type { Xml } from './s3-xml.ts';

/** Conditions of a read, or of the source of a copy: none, one or two of the four. */
export interface ReadConditions {
  readonly ifMatch?: '*' | 'current' | 'other' | undefined;
  readonly ifNoneMatch?: '*' | 'current' | 'other' | undefined;
  /** Seconds from the time of the current version. */
  readonly ifModifiedSince?: number | undefined;
  readonly ifUnmodifiedSince?: number | undefined;
}
const etagOf = fc.constantFrom('*' as const, 'current' as const, 'current' as const, 'other' as const);
const seconds = fc.constantFrom(-1, 0, 1);
export const readConditions: fc.Arbitrary<ReadConditions> = fc.oneof(
  { weight: 5, arbitrary: fc.constant({}) },
  {
    weight: 3,
    arbitrary: fc.record(
      { ifMatch: etagOf, ifNoneMatch: etagOf, ifModifiedSince: seconds, ifUnmodifiedSince: seconds },
      { requiredKeys: [] },
    ),
  },
);

const RANGES = [
  'bytes=0-0',
  'bytes=0-',
  'bytes=1-4',
  'bytes=5-2',
  'bytes=-1',
  'bytes=-0',
  'bytes=-100000',
  'bytes=69999-70001',
  'bytes=65535-65536',
  'bytes=5242879-5242880',
  'bytes=13-',
  'bytes=0-0,2-3',
  'lines=0-1',
];

interface Read {
  readonly method: 'GET' | 'HEAD';
  readonly caller: Caller;
  readonly bucket: string;
  readonly key: KeyChoice;
  readonly version: VersionChoice;
  readonly conditions: ReadConditions;
  readonly extent: { readonly range?: string; readonly part?: number };
  readonly withChecksum: boolean;
}

const read: fc.Arbitrary<Read> = fc.record({
  method: fc.constantFrom('GET' as const, 'GET' as const, 'HEAD' as const),
  caller: fc.constantFrom<Caller[]>('alice', 'alice', 'alice', 'alice', 'bob', 'nobody'),
  bucket: bucketName,
  key: keyChoice,
  version: versionChoice,
  conditions: readConditions,
  extent: fc.oneof(
    { weight: 4, arbitrary: fc.constant({}) },
    { weight: 3, arbitrary: fc.constantFrom(...RANGES).map((range) => ({ range })) },
    { weight: 1, arbitrary: fc.constantFrom(1, 1, 2, 3).map((part) => ({ part })) },
  ),
  withChecksum: fc.boolean(),
});

/** GetObject, HeadObject and GetObjectAttributes. */
export const readCalls: readonly fc.WeightedArbitrary<Plan>[] = [
  {
    weight: 22,
    arbitrary: read.map(
      (choice): Plan =>
        (s3) =>
          readObject(s3, choice),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.record({ bucket: bucketName, key: keyChoice, version: versionChoice }).map(
      (choice): Plan =>
        (s3) =>
          getAttributes(s3, choice),
    ),
  },
];

/** The headers of `conditions`; a time is that of the current version, give or take. */
export function readConditionHeaders(
  s3: NaiveS3,
  { bucket: name, key }: { readonly bucket: string; readonly key: string },
  conditions: ReadConditions,
): Record<string, string> {
  const bucket = s3.buckets.get(name);
  const modifiedMs = (bucket && currentObject(bucket, key)?.modifiedMs) ?? s3.nowMs;
  const timeOf = (offset: number) => httpDate(modifiedMs + offset * 1000);
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions;
  return {
    ...(ifMatch && { 'if-match': etagFor(ifMatch, bucket, key) }),
    ...(ifNoneMatch && { 'if-none-match': etagFor(ifNoneMatch, bucket, key) }),
    ...(ifModifiedSince !== undefined && { 'if-modified-since': timeOf(ifModifiedSince) }),
    ...(ifUnmodifiedSince !== undefined && { 'if-unmodified-since': timeOf(ifUnmodifiedSince) }),
  };
}

/** In the order of RFC 9110, section 13.2.2: an ETag outranks a time, and what must be the same comes first. */
export function checkConditions(
  headers: Readonly<Record<string, string>>,
  { etag, modifiedMs }: NaiveObject,
): 'holds' | 'not-modified' | 'failed' {
  const matches = (wanted: string) => wanted === '*' || wanted === `"${etag}"`;
  const isAfter = (date: string) => Math.floor(modifiedMs / 1000) > Date.parse(date) / 1000;
  const ifMatch = headers['if-match'];
  const ifNoneMatch = headers['if-none-match'];
  const modifiedSince = headers['if-modified-since'];
  const unmodifiedSince = headers['if-unmodified-since'];
  if (ifMatch !== undefined ? !matches(ifMatch) : unmodifiedSince !== undefined && isAfter(unmodifiedSince)) {
    return 'failed';
  }
  const isSame =
    ifNoneMatch !== undefined ? matches(ifNoneMatch) : modifiedSince !== undefined && !isAfter(modifiedSince);
  return isSame ? 'not-modified' : 'holds';
}

function readObject(s3: NaiveS3, choice: Read): S3Call {
  const { method, caller, extent, withChecksum } = choice;
  const key = keyOf(s3, choice.bucket, choice.key);
  const id = versionIdOf(s3, { bucket: choice.bucket, key }, choice.version);
  const conditions = readConditionHeaders(s3, { bucket: choice.bucket, key }, choice.conditions);
  const query = [
    ...versionQuery(id),
    ...(extent.part === undefined ? [] : [['partNumber', String(extent.part)] as const]),
  ];
  const headers = {
    ...conditions,
    ...(extent.range === undefined ? {} : { range: extent.range }),
    ...(withChecksum ? { 'x-amz-checksum-mode': 'ENABLED' } : {}),
  };
  return {
    request: { caller, method, bucket: choice.bucket, key, query, headers },
    answer() {
      const target = { caller, bucket: choice.bucket, key, versionId: id, permission: 'READ', method } as const;
      const { bucket, object } = requireObject(s3, target);
      const verdict = checkConditions(conditions, object);
      if (verdict === 'failed') throw new Refused('PreconditionFailed');
      if (verdict === 'not-modified') return succeed(304, notModified(bucket, object));
      const selected = select(object, extent);
      const shown: Answer['headers'] = {
        ...metadataOf(bucket, object),
        'content-length': String(selected.body.length),
        'content-range': selected.contentRange,
        'x-amz-mp-parts-count': selected.partsCount,
        'x-amz-tagging-count': caller === OWNER && object.tags.length > 0 ? String(object.tags.length) : undefined,
        ...(withChecksum && selected.checksum ? checksumHeaders(selected.checksum) : {}),
      };
      return succeed(selected.status, shown, method === 'HEAD' ? undefined : selected.body);
    },
  };
}

function metadataOf(bucket: NaiveBucket, object: NaiveObject): Answer['headers'] {
  return {
    'accept-ranges': 'bytes',
    'last-modified': httpDate(object.modifiedMs),
    etag: `"${object.etag}"`,
    ...versionHeader(bucket, object.id),
    ...object.headers,
  };
}

function notModified(bucket: NaiveBucket, { etag, modifiedMs, headers, id }: NaiveObject): Answer['headers'] {
  return {
    etag: `"${etag}"`,
    'last-modified': httpDate(modifiedMs),
    'cache-control': headers['cache-control'],
    expires: headers['expires'],
    ...versionHeader(bucket, id),
  };
}

/** The bytes that are sent. What is no single range of bytes is as if it were not there. */
function select(object: NaiveObject, { range, part }: Read['extent']) {
  const { body, checksum } = object;
  const whole = { status: 200, body, checksum, contentRange: undefined, partsCount: undefined };
  if (part !== undefined) return selectPart(object, part) ?? whole;
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? [];
  if (first === undefined || last === undefined) return whole;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return whole;
  const start = first === '' ? Math.max(0, body.length - Number(last)) : Number(first);
  const end = first === '' || last === '' ? body.length : Math.min(body.length, Number(last) + 1);
  if (start >= end) throw new Refused('InvalidRange', { 'content-range': `bytes */${body.length}` });
  return {
    ...whole,
    status: 206,
    body: body.subarray(start, end),
    checksum: undefined,
    contentRange: within(body, start, end),
  };
}

/** An object that was sent in one piece is its own first part. */
function selectPart({ body, checksum, parts }: NaiveObject, number: number) {
  const numbers = parts?.map((each) => each.number) ?? [1];
  const index = numbers.indexOf(number);
  if (index === -1) throw new Refused('InvalidPartNumber');
  const before = parts?.slice(0, index).reduce((sum, each) => sum + each.body.length, 0) ?? 0;
  const bytes = parts?.[index]?.body ?? body;
  const contentRange = bytes.length === 0 ? undefined : within(body, before, before + bytes.length);
  return {
    status: contentRange === undefined ? 200 : 206,
    body: bytes,
    checksum: parts?.[index]?.checksum ?? checksum,
    contentRange,
    partsCount: parts === undefined ? undefined : String(parts.length),
  };
}

function within(body: Uint8Array, start: number, end: number): string {
  return `bytes ${start}-${end - 1}/${body.length}`;
}

function getAttributes(
  s3: NaiveS3,
  choice: { readonly bucket: string; readonly key: KeyChoice; readonly version: VersionChoice },
): S3Call {
  const name = choice.bucket;
  const key = keyOf(s3, name, choice.key);
  const versionId = versionIdOf(s3, { bucket: name, key }, choice.version);
  return {
    request: {
      method: 'GET',
      bucket: name,
      key,
      query: [['attributes', ''], ...versionQuery(versionId)],
      headers: { 'x-amz-object-attributes': 'ETag,Checksum,ObjectParts,StorageClass,ObjectSize' },
    },
    answer() {
      const target = { caller: 'alice', bucket: name, key, versionId, permission: 'READ', method: 'GET' } as const;
      const { bucket, object } = requireObject(s3, target);
      const headers = { 'last-modified': httpDate(object.modifiedMs), ...versionHeader(bucket, object.id) };
      return succeed(200, headers, ['GetObjectAttributesResponse', attributesOf(object)]);
    },
  };
}

function attributesOf({ etag, checksum, parts, body }: NaiveObject): readonly Xml[] {
  const sums: readonly Xml[] =
    checksum === undefined
      ? []
      : [
          [
            'Checksum',
            [
              [`Checksum${checksum.name}`, checksum.value],
              ['ChecksumType', checksum.type],
            ],
          ],
        ];
  const listed = parts?.map(
    (part): Xml => [
      'Part',
      [
        ['PartNumber', String(part.number)],
        ['Size', String(part.body.length)],
        [`Checksum${part.checksum.name}`, part.checksum.value],
      ],
    ],
  );
  const page: readonly Xml[] =
    listed === undefined
      ? []
      : [
          [
            'ObjectParts',
            [
              ['PartsCount', String(listed.length)],
              ['PartNumberMarker', '0'],
              ['NextPartNumberMarker', String(parts?.at(-1)?.number ?? 0)],
              ['MaxParts', '1000'],
              ['IsTruncated', 'false'],
              ...listed,
            ],
          ],
        ];
  return [['ETag', etag], ...sums, ...page, ['StorageClass', 'STANDARD'], ['ObjectSize', String(body.length)]];
}
