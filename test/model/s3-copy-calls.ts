import fc from 'fast-check';
import { isoTime } from './s3-bucket-calls.ts';
import { Refused, type S3Call, succeed } from './s3-call.ts';
import {
  bucketName,
  checksumOf,
  type KeyChoice,
  keyChoice,
  keyOf,
  tagsHeader,
  type VersionChoice,
  versionChoice,
  versionIdOf,
  type WriteCondition,
  writeCondition,
} from './s3-choices.ts';
import type { Plan } from './s3-command.ts';
import { checkConditions, type ReadConditions, readConditionHeaders, readConditions } from './s3-read-calls.ts';
import { aclHeaders, placeObject, requireObject, versionHeader } from './s3-rights.ts';
import { type Checksum, findVersion, type NaiveBucket, type NaiveObject, type NaiveS3, OWNER } from './s3-state.ts';
import { conditionHeaders, type Described, described, newVersionHeader, requireCondition } from './s3-write-calls.ts';
import type { Xml } from './s3-xml.ts';

/** Where bytes are copied from. */
export interface SourceChoice {
  readonly bucket: string;
  readonly key: KeyChoice;
  readonly version: VersionChoice;
  readonly conditions: ReadConditions;
}

export const sourceChoice: fc.Arbitrary<SourceChoice> = fc.record({
  bucket: bucketName,
  key: keyChoice,
  version: versionChoice,
  conditions: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: readConditions }),
});

interface Copy extends Described {
  readonly source: SourceChoice;
  readonly bucket: string;
  /** Most copies are onto another key. */
  readonly key: KeyChoice | 'itself';
  readonly replacesMetadata: boolean;
  readonly replacesTags: boolean;
  readonly algorithm: 'SHA256' | 'CRC32' | undefined;
  readonly condition: WriteCondition | undefined;
}

/** CopyObject. */
export const copyCalls: readonly fc.WeightedArbitrary<Plan>[] = [
  {
    weight: 10,
    arbitrary: fc
      .record({
        source: sourceChoice,
        bucket: bucketName,
        key: fc.oneof({ weight: 4, arbitrary: keyChoice }, { weight: 1, arbitrary: fc.constant('itself' as const) }),
        replacesMetadata: fc.boolean(),
        replacesTags: fc.boolean(),
        algorithm: fc.constantFrom(undefined, undefined, undefined, 'SHA256' as const, 'CRC32' as const),
        condition: writeCondition,
        described,
      })
      .map(
        ({ described: description, ...choice }): Plan =>
          (s3) =>
            copyObject(s3, { ...choice, ...description }),
      ),
  },
];

/** A source as it is resolved: the header that names it, its conditions, and a look at it. */
export interface Source {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Throws `Refused`. */
  find(): { readonly bucket: NaiveBucket; readonly object: NaiveObject };
}

export function sourceOf(s3: NaiveS3, choice: SourceChoice): Source {
  const { bucket: name } = choice;
  const key = keyOf(s3, name, choice.key);
  const versionId = versionIdOf(s3, { bucket: name, key }, choice.version);
  const conditions = readConditionHeaders(s3, { bucket: name, key }, choice.conditions);
  const prefixed = Object.entries(conditions).map(([header, value]) => [`x-amz-copy-source-${header}`, value]);
  const path = `/${name}/${encodeURIComponent(key)}${versionId === undefined ? '' : `?versionId=${versionId}`}`;
  return {
    bucket: name,
    key,
    versionId,
    headers: { 'x-amz-copy-source': path, ...Object.fromEntries(prefixed) },
    find() {
      const bucket = s3.bucket(name);
      const version = findVersion(bucket, key, versionId);
      if (versionId !== undefined && version?.kind === 'marker') throw new Refused('InvalidRequest');
      const found = lookUp(s3, { bucket: name, key, versionId });
      if (checkConditions(conditions, found.object) !== 'holds') throw new Refused('PreconditionFailed');
      return found;
    },
  };
}

/** A delete marker is not spoken of where it is the source of a copy. */
function lookUp(
  s3: NaiveS3,
  at: { readonly bucket: string; readonly key: string; readonly versionId: string | undefined },
) {
  try {
    return requireObject(s3, { ...at, caller: 'alice', permission: 'READ', method: 'GET' });
  } catch (error) {
    throw error instanceof Refused ? withoutHeaders(error) : error;
  }
}

function withoutHeaders({ code }: Refused): Refused {
  return new Refused(code);
}

/** `x-amz-copy-source-version-id`, where the source's bucket has or had versioning. */
export function sourceHeader(bucket: NaiveBucket, object: NaiveObject) {
  return { 'x-amz-copy-source-version-id': versionHeader(bucket, object.id)['x-amz-version-id'] };
}

export function checksumXml(checksum: Checksum | undefined): readonly Xml[] {
  return checksum === undefined ? [] : [[`Checksum${checksum.name}`, checksum.value]];
}

function copyObject(s3: NaiveS3, choice: Copy): S3Call {
  const source = sourceOf(s3, choice.source);
  const key = choice.key === 'itself' ? source.key : keyOf(s3, choice.bucket, choice.key);
  const condition = conditionHeaders(s3, { bucket: choice.bucket, key }, choice.condition);
  const { replacesMetadata, replacesTags, tags = [], algorithm } = choice;
  const sent = {
    ...(replacesMetadata ? { 'x-amz-metadata-directive': 'REPLACE', ...choice.headers } : {}),
    ...(replacesTags ? { 'x-amz-tagging-directive': 'REPLACE', 'x-amz-tagging': tagsHeader(tags) } : {}),
    ...(algorithm && { 'x-amz-checksum-algorithm': algorithm }),
  };
  return {
    request: {
      method: 'PUT',
      bucket: choice.bucket,
      key,
      headers: { ...sent, ...source.headers, ...condition, ...aclHeaders(choice.acl) },
    },
    answer() {
      const bucket = s3.bucket(choice.bucket);
      const isItself = source.bucket === choice.bucket && source.key === key && source.versionId === undefined;
      if (isItself && !replacesMetadata && algorithm === undefined) throw new Refused('InvalidRequest');
      const place = placeObject(bucket, OWNER, choice.acl);
      const found = source.find();
      requireCondition(bucket, key, condition);
      const { object } = found;
      const copy = s3.put(bucket, key, {
        body: object.body,
        etag: object.etag,
        checksum: checksumOfCopy(object, algorithm),
        // Pithos: a copy shares the parts of an upload, and keeps their ETag; on AWS it would be in one piece.
        parts: object.parts,
        headers: headersOfCopy(object, choice),
        tags: replacesTags ? tags.toSorted(([a], [b]) => (a < b ? -1 : 1)) : object.tags,
        ...place,
      });
      const type: readonly Xml[] = copy.checksum === undefined ? [] : [['ChecksumType', copy.checksum.type]];
      return succeed(200, { ...newVersionHeader(copy.id), ...sourceHeader(found.bucket, object) }, [
        'CopyObjectResult',
        [
          ['LastModified', isoTime(copy.modifiedMs)],
          ['ETag', `"${copy.etag}"`],
          ...type,
          ...checksumXml(copy.checksum),
        ],
      ]);
    },
  };
}

function checksumOfCopy({ checksum, body }: NaiveObject, algorithm: Copy['algorithm']): Checksum | undefined {
  if (algorithm === undefined) return checksum;
  return { name: algorithm, type: 'FULL_OBJECT', value: checksumOf(algorithm, body) };
}

/** Where a browser is sent elsewhere is never copied. */
function headersOfCopy({ headers }: NaiveObject, { replacesMetadata, headers: asked }: Copy) {
  if (replacesMetadata) return { 'content-type': 'binary/octet-stream', ...asked };
  const { 'x-amz-website-redirect-location': _, ...kept } = headers;
  return kept;
}
