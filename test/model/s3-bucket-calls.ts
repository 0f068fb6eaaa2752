import fc from 'fast-check';
import { Refused, type S3Call, succeed } from './s3-call.ts';
import { BUCKETS, bucketName, pickOf } from './s3-choices.ts';
import type { Plan } from './s3-command.ts';
import { type AskedAcl, aclHeaders, bucketAcl, isPublic, requireBucket } from './s3-rights.ts';
import { type NaiveBucket, type NaiveS3, OWNER } from './s3-state.ts';
import { writeXml, type Xml } from './s3-xml.ts';

const REGION = 'us-east-1';

export interface NewBucket {
  readonly bucket: string;
  readonly caller?: 'alice' | 'bob';
  readonly ownership?: string | undefined;
  readonly acl?: 'private' | 'public-read' | undefined;
}

export function createBucket(s3: NaiveS3, { bucket: name, caller = 'alice', ownership, acl }: NewBucket): S3Call {
  const asked: AskedAcl = acl === undefined ? { kind: 'none' } : { kind: 'canned', name: acl };
  const headers = { ...aclHeaders(asked), ...(ownership && { 'x-amz-object-ownership': ownership }) };
  return {
    request: { caller, method: 'PUT', bucket: name, headers },
    answer() {
      const grants = bucketAcl({ ...emptyBucket(name, 0), ownership: undefined }, asked);
      if (ownership === 'BucketOwnerEnforced' && grants?.some(isPublic)) {
        throw new Refused('InvalidBucketAclWithObjectOwnership');
      }
      const isThere = s3.buckets.has(name);
      if (isThere && caller !== OWNER) throw new Refused('BucketAlreadyExists');
      // Quirk of us-east-1: making one's own bucket again succeeds, and changes nothing.
      if (isThere && (acl !== undefined || ownership !== undefined)) throw new Refused('BucketAlreadyOwnedByYou');
      if (!isThere) s3.buckets.set(name, { ...emptyBucket(name, s3.nowMs), ownership, acl: grants });
      return succeed(200, { location: `/${name}` });
    },
  };
}

export function putVersioning(s3: NaiveS3, name: string, status: string | undefined): S3Call {
  const body = writeXml(['VersioningConfiguration', status === undefined ? [] : [['Status', status]]]);
  return {
    request: { method: 'PUT', bucket: name, query: [['versioning', '']], body },
    answer() {
      const bucket = s3.bucket(name);
      if (status === undefined) throw new Refused('IllegalVersioningConfigurationException');
      if (status !== 'Enabled' && status !== 'Suspended') throw new Refused('MalformedXML');
      bucket.versioning = status;
      return succeed(200);
    },
  };
}

export function isoTime(ms: number): string {
  return new Date(ms - (ms % 1000)).toISOString();
}

export function ownerXml(name: 'Owner' | 'Initiator', tenant: string): Xml {
  return [
    name,
    [
      ['ID', tenant],
      ['DisplayName', tenant],
    ],
  ];
}

/** Buckets: making and removing them, looking whether they are there, and their versioning. */
export const bucketCalls: readonly fc.WeightedArbitrary<Plan>[] = [
  {
    weight: 4,
    arbitrary: fc
      .record({
        bucket: fc.constantFrom(...BUCKETS),
        caller: fc.constantFrom('alice' as const, 'alice' as const, 'bob' as const),
        ownership: fc.constantFrom(undefined, undefined, 'ObjectWriter', 'BucketOwnerPreferred', 'BucketOwnerEnforced'),
        acl: fc.constantFrom(undefined, undefined, 'private' as const, 'public-read' as const),
      })
      .map(
        (choice): Plan =>
          (s3) =>
            choice.caller === 'bob' && !s3.buckets.has(choice.bucket) ? undefined : createBucket(s3, choice),
      ),
  },
  {
    weight: 2,
    arbitrary: bucketName.map(
      (bucket): Plan =>
        (s3) =>
          deleteBucket(s3, bucket),
    ),
  },
  {
    weight: 2,
    arbitrary: bucketName.map(
      (bucket): Plan =>
        (s3) =>
          headBucket(s3, bucket),
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({
        prefix: fc.constantFrom('', 'model-', 'model-b', 'none'),
        max: fc.constantFrom(undefined, 1, 2, 0),
        continues: fc.boolean(),
      })
      .map(
        (choice): Plan =>
          (s3) =>
            listBuckets(s3, choice),
      ),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(bucketName, fc.constantFrom('Enabled', 'Enabled', 'Enabled', 'Suspended', 'Suspended', 'Off', undefined))
      .map(
        ([bucket, status]): Plan =>
          (s3) =>
            putVersioning(s3, bucket, status),
      ),
  },
  {
    weight: 1,
    arbitrary: bucketName.map(
      (bucket): Plan =>
        (s3) =>
          getVersioning(s3, bucket),
    ),
  },
  {
    weight: 1,
    arbitrary: bucketName.map(
      (bucket): Plan =>
        (s3) =>
          getLocation(s3, bucket),
    ),
  },
];

function emptyBucket(name: string, createdMs: number): NaiveBucket {
  return { name, createdMs, versioning: 'Off', keys: new Map(), uploads: new Map(), payer: 'BucketOwner' };
}

/** Open uploads do not keep a bucket; any version does, a delete marker too. */
function deleteBucket(s3: NaiveS3, name: string): S3Call {
  return {
    request: { method: 'DELETE', bucket: name },
    answer() {
      if (s3.bucket(name).keys.size > 0) throw new Refused('BucketNotEmpty');
      s3.buckets.delete(name);
      return succeed(204);
    },
  };
}

function headBucket(s3: NaiveS3, bucket: string): S3Call {
  return {
    request: { method: 'HEAD', bucket },
    answer() {
      requireBucket(s3, bucket, 'alice', 'READ');
      return succeed(200, { 'x-amz-bucket-region': REGION, 'x-amz-access-point-alias': 'false' });
    },
  };
}

function getVersioning(s3: NaiveS3, bucket: string): S3Call {
  return {
    request: { method: 'GET', bucket, query: [['versioning', '']] },
    answer() {
      const { versioning } = s3.bucket(bucket);
      const status: readonly Xml[] = versioning === 'Off' ? [] : [['Status', versioning]];
      return succeed(200, {}, ['VersioningConfiguration', status]);
    },
  };
}

/** The first region of all has no name here. */
function getLocation(s3: NaiveS3, bucket: string): S3Call {
  return {
    request: { method: 'GET', bucket, query: [['location', '']] },
    answer() {
      s3.bucket(bucket);
      return succeed(200, {}, ['LocationConstraint', '']);
    },
  };
}

function listBuckets(
  s3: NaiveS3,
  { prefix, max, continues }: { prefix: string; max: number | undefined; continues: boolean },
): S3Call {
  const after = continues && s3.continuable?.bucket === '' ? s3.continuable : undefined;
  const query: [string, string][] = [
    ...(prefix === '' ? [] : [['prefix', prefix] as [string, string]]),
    ...(max === undefined ? [] : [['max-buckets', String(max)] as [string, string]]),
    ...(after === undefined ? [] : [['continuation-token', after.label] as [string, string]]),
  ];
  return {
    request: { method: 'GET', query, bucket: '' },
    answer() {
      if (max === 0) throw new Refused('InvalidArgument');
      const names = [...s3.buckets.keys()].sort();
      const behind = names.filter((name) => name.startsWith(prefix) && name > (after?.marker ?? ''));
      const page = behind.slice(0, max);
      const last = pickOf(page, page.length - 1);
      const isTruncated = page.length < behind.length && last !== undefined;
      const token = isTruncated ? s3.label('token') : undefined;
      if (token !== undefined && last !== undefined) s3.continuable = { bucket: '', label: token, marker: last };
      const shown = page.map((name): Xml => {
        const times: Xml = ['CreationDate', isoTime(s3.bucket(name).createdMs)];
        return ['Bucket', [['Name', name], times, ...(query.length > 0 ? [['BucketRegion', REGION] as const] : [])]];
      });
      return succeed(200, {}, [
        'ListAllMyBucketsResult',
        [
          ownerXml('Owner', OWNER),
          ['Buckets', shown],
          ...(token === undefined ? [] : [['ContinuationToken', token] as const]),
          ...(prefix === '' ? [] : [['Prefix', prefix] as const]),
        ],
      ]);
    },
  };
}
