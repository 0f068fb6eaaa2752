import fc from 'fast-check';
import { type Answer, Refused, type S3Call, succeed } from './s3-call.ts';
import {
  bucketName,
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
import { httpDate } from './s3-rights.ts';
import { findVersion, type NaiveBucket, type NaiveS3, removeVersion } from './s3-state.ts';
import { forbidsDeletes } from './s3-write-calls.ts';
import { canBeXml, writeXml, type Xml } from './s3-xml.ts';

/** What a delete asks of the version that it removes or hides. */
type DeleteCondition = 'etag' | 'other-etag' | 'any' | 'size' | 'other-size' | 'time' | 'other-time';
const CONDITIONS: readonly DeleteCondition[] = [
  'etag',
  'other-etag',
  'any',
  'size',
  'other-size',
  'time',
  'other-time',
];

interface Target {
  readonly key: KeyChoice;
  readonly version: VersionChoice;
  readonly condition: DeleteCondition | undefined;
}

const target: fc.Arbitrary<Target> = fc.record({
  key: keyChoice,
  version: versionChoice,
  condition: fc.oneof(
    { weight: 5, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(...CONDITIONS) },
  ),
});

/** DeleteObject and DeleteObjects. */
export const deleteCalls: readonly fc.WeightedArbitrary<Plan>[] = [
  {
    weight: 12,
    arbitrary: fc.tuple(bucketName, target).map(
      ([bucket, choice]): Plan =>
        (s3) =>
          deleteObject(s3, bucket, choice),
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({ bucket: bucketName, targets: fc.array(target, { minLength: 1, maxLength: 4 }), quiet: fc.boolean() })
      .map(
        (choice): Plan =>
          (s3) =>
            deleteObjects(s3, choice),
      ),
  },
];

/** What is asked of the version: the three conditions in the words of DeleteObjects. */
interface Wanted {
  readonly ETag?: string;
  readonly Size?: string;
  readonly LastModifiedTime?: string;
}

const HEADERS: Readonly<Record<keyof Wanted, string>> = {
  ETag: 'if-match',
  Size: 'x-amz-if-match-size',
  LastModifiedTime: 'x-amz-if-match-last-modified-time',
};

function deleteObject(s3: NaiveS3, name: string, choice: Target): S3Call {
  const key = keyOf(s3, name, choice.key);
  const id = versionIdOf(s3, { bucket: name, key }, choice.version);
  const wanted = wantedOf(s3, { bucket: name, key, id }, choice.condition);
  const headers = Object.fromEntries(
    Object.entries(wanted).map(([element, value]) => [HEADERS[element as keyof Wanted], value]),
  );
  return {
    request: { method: 'DELETE', bucket: name, key, query: versionQuery(id), headers },
    answer() {
      const bucket = s3.bucket(name);
      if (id === undefined && forbidsDeletes(bucket)) throw new Refused('AccessDenied');
      const marker = deleteVersion(s3, bucket, { key, id, wanted });
      const answered: Answer['headers'] = {
        'x-amz-version-id': id ?? marker,
        'x-amz-delete-marker': marker === undefined ? undefined : 'true',
      };
      return succeed(204, answered);
    },
  };
}

/** Deletes, and gives the id of the delete marker that was made or removed for good. */
function deleteVersion(
  s3: NaiveS3,
  bucket: NaiveBucket,
  { key, id, wanted }: { readonly key: string; readonly id: string | undefined; readonly wanted: Wanted },
): string | undefined {
  const found = findVersion(bucket, key, id);
  if (Object.keys(wanted).length > 0) {
    if (found?.kind !== 'object') {
      // Only If-Match without a version wants that there is one.
      if (id === undefined && wanted.ETag !== undefined) throw new Refused('NoSuchKey');
      return undefined;
    }
    const isSame =
      (wanted.ETag === undefined || wanted.ETag === '*' || wanted.ETag === `"${found.etag}"`) &&
      (wanted.Size === undefined || wanted.Size === String(found.body.length)) &&
      (wanted.LastModifiedTime === undefined || wanted.LastModifiedTime === httpDate(found.modifiedMs));
    if (!isSame) throw new Refused('PreconditionFailed');
  }
  if (id === undefined) return s3.deleteCurrent(bucket, key)?.id;
  if (found === undefined) return undefined;
  removeVersion(bucket, found);
  return found.kind === 'marker' ? found.id : undefined;
}

function wantedOf(
  s3: NaiveS3,
  at: { readonly bucket: string; readonly key: string; readonly id: string | undefined },
  condition: DeleteCondition | undefined,
): Wanted {
  const bucket = s3.buckets.get(at.bucket);
  const found = bucket && findVersion(bucket, at.key, at.id);
  const sizeBytes = found?.kind === 'object' ? found.body.length : 0;
  switch (condition) {
    case undefined:
      return {};
    case 'etag':
      return { ETag: found?.kind === 'object' ? `"${found.etag}"` : etagFor('other', undefined, '') };
    case 'other-etag':
      return { ETag: etagFor('other', undefined, '') };
    case 'any':
      return { ETag: '*' };
    case 'size':
      return { Size: String(sizeBytes) };
    case 'other-size':
      return { Size: String(sizeBytes + 1) };
    case 'time':
      return { LastModifiedTime: httpDate(found?.modifiedMs ?? s3.nowMs) };
    case 'other-time':
      return { LastModifiedTime: httpDate((found?.modifiedMs ?? s3.nowMs) - 1000) };
  }
}

/** Each object once: of two deletes of one key in a request, nothing says which comes first. */
function deleteObjects(
  s3: NaiveS3,
  choice: { readonly bucket: string; readonly targets: readonly Target[]; readonly quiet: boolean },
): S3Call {
  const name = choice.bucket;
  const named = choice.targets.map(({ key: chosen, version, condition }) => {
    const key = keyOf(s3, name, chosen);
    const id = versionIdOf(s3, { bucket: name, key }, version);
    return { key, id, wanted: wantedOf(s3, { bucket: name, key, id }, condition) };
  });
  const objects = [...new Map(named.map((object) => [object.key, object])).values()];
  const elements = objects.map(({ key, id, wanted }): Xml => {
    const version: readonly Xml[] = id === undefined ? [] : [['VersionId', id]];
    return ['Object', [['Key', key], ...version, ...Object.entries(wanted)]];
  });
  const body = writeXml(['Delete', [...elements, ['Quiet', String(choice.quiet)]]]);
  return {
    request: {
      method: 'POST',
      bucket: name,
      query: [['delete', '']],
      body,
      hasDigest: true,
    },
    answer() {
      const bucket = s3.bucket(name);
      if (objects.some(({ key }) => !canBeXml(key))) throw new Refused('MalformedXML');
      const results = objects.map((object) => resultOf(s3, bucket, object));
      return succeed(200, {}, ['DeleteResult', results.filter(([kind]) => kind === 'Error' || !choice.quiet)]);
    },
  };
}

function resultOf(
  s3: NaiveS3,
  bucket: NaiveBucket,
  object: { readonly key: string; readonly id: string | undefined; readonly wanted: Wanted },
): Xml {
  const { key, id } = object;
  const named: readonly Xml[] =
    id === undefined
      ? [['Key', key]]
      : [
          ['Key', key],
          ['VersionId', id],
        ];
  try {
    if (id === undefined && forbidsDeletes(bucket)) throw new Refused('AccessDenied');
    const marker = deleteVersion(s3, bucket, object);
    const made: readonly Xml[] =
      marker === undefined
        ? []
        : [
            ['DeleteMarker', 'true'],
            ['DeleteMarkerVersionId', marker],
          ];
    return ['Deleted', [...named, ...made]];
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return ['Error', [...named, ['Code', error.code]]];
  }
}
