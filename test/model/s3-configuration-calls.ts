import fc from 'fast-check';
import { ownerXml } from './s3-bucket-calls.ts';
import { type Answer, type ErrorCode, Refused, type S3Call, type S3Request, succeed } from './s3-call.ts';
import { aclChoice, bucketName, byKey } from './s3-choices.ts';
import type { Plan } from './s3-command.ts';
import {
  type AskedAcl,
  aclHeaders,
  aclsCount,
  bucketAcl,
  granteeUri,
  hasPolicy,
  isPublic,
  POLICIES,
  type PolicyName,
} from './s3-rights.ts';
import { type CorsRule, type Grant, type NaiveBucket, type NaiveS3, OWNER, type Tag } from './s3-state.ts';
import { writeXml, type Xml } from './s3-xml.ts';

const BLOCKS = ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'];
const RULES: readonly (readonly CorsRule[])[] = [
  [],
  [{ id: 'first', origins: ['https://a.example'], methods: ['GET'] }],
  [
    { id: 'second', origins: ['*'], methods: ['GET', 'PUT'] },
    { id: 'third', origins: ['https://*.example', 'http://b'], methods: ['DELETE'] },
  ],
];

/** One document of a bucket: how it is put, what a get says, and what a delete leaves. */
interface Document {
  readonly query: string;
  /** Status of a put and of a delete that succeed. */
  readonly statuses: readonly [put: number, removal: number];
  get(bucket: NaiveBucket): Answer['body'] | ErrorCode;
  /** `undefined`: it cannot be deleted. */
  readonly remove?: (bucket: NaiveBucket) => void;
}

const POLICY: Document = {
  query: 'policy',
  statuses: [204, 204],
  get: ({ policy }) => (policy === undefined ? 'NoSuchBucketPolicy' : Buffer.from(policy)),
  remove: (bucket) => {
    bucket.policy = undefined;
  },
};
const CORS: Document = {
  query: 'cors',
  statuses: [200, 204],
  get: ({ cors }) => (cors === undefined ? 'NoSuchCORSConfiguration' : corsXml(cors)),
  remove: (bucket) => {
    bucket.cors = undefined;
  },
};
const TAGGING: Document = {
  query: 'tagging',
  statuses: [204, 204],
  get: ({ tags }) => (tags === undefined ? 'NoSuchTagSet' : taggingXml(tags)),
  remove: (bucket) => {
    bucket.tags = undefined;
  },
};
const OWNERSHIP: Document = {
  query: 'ownershipControls',
  statuses: [200, 204],
  get: ({ ownership }) => (ownership === undefined ? 'OwnershipControlsNotFoundError' : ownershipXml(ownership)),
  remove: (bucket) => {
    bucket.ownership = undefined;
  },
};
const BLOCK: Document = {
  query: 'publicAccessBlock',
  statuses: [200, 204],
  get: ({ block }) => (block === undefined ? 'NoSuchPublicAccessBlockConfiguration' : blockXml(block)),
  remove: (bucket) => {
    bucket.block = undefined;
  },
};
const PAYMENT: Document = {
  query: 'requestPayment',
  statuses: [200, 204],
  get: ({ payer }) => ['RequestPaymentConfiguration', [['Payer', payer]]],
};
const ACL: Document = {
  query: 'acl',
  statuses: [200, 204],
  get: (bucket) => aclXml(OWNER, aclsCount(bucket) ? (bucket.acl ?? []) : []),
};
const STATUS: Document = {
  query: 'policyStatus',
  statuses: [200, 204],
  get: (bucket) => ['PolicyStatus', [['IsPublic', String(isPublicBucket(bucket))]]],
};
const DOCUMENTS = [POLICY, CORS, TAGGING, OWNERSHIP, BLOCK, PAYMENT, ACL, STATUS];

/** The documents that a bucket carries, of which each is put, read and deleted. */
export const configurationCalls: readonly fc.WeightedArbitrary<Plan>[] = [
  {
    weight: 6,
    arbitrary: fc.tuple(bucketName, fc.constantFrom(...DOCUMENTS)).map(
      ([bucket, document]): Plan =>
        (s3) =>
          getDocument(s3, bucket, document),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(bucketName, fc.constantFrom(...DOCUMENTS)).map(
      ([bucket, document]): Plan =>
        (s3) =>
          deleteDocument(s3, bucket, document),
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        bucketName,
        fc.constantFrom<(PolicyName | 'broken')[]>('everybody reads', 'bob lists', 'nobody deletes', 'broken'),
      )
      .map(
        ([bucket, policy]): Plan =>
          (s3) =>
            putPolicy(s3, bucket, policy),
      ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(bucketName, fc.constantFrom(...RULES)).map(
      ([bucket, rules]): Plan =>
        (s3) =>
          putDocument(s3, bucket, CORS, { body: writeXml(corsXml(rules)) }, (found) => {
            if (rules.length === 0) throw new Refused('MalformedXML');
            found.cors = rules;
          }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        bucketName,
        fc.constantFrom<(readonly Tag[])[]>(
          [],
          [
            ['b', '2'],
            ['a', ''],
          ],
          [
            ['same', '1'],
            ['same', '2'],
          ],
        ),
      )
      .map(
        ([bucket, tags]): Plan =>
          (s3) =>
            putDocument(s3, bucket, TAGGING, { body: writeXml(taggingXml(tags)) }, (found) => {
              if (new Set(tags.map(([key]) => key)).size < tags.length) throw new Refused('InvalidTag');
              found.tags = byKey(tags);
            }),
      ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(bucketName, fc.constantFrom('ObjectWriter', 'BucketOwnerPreferred', 'BucketOwnerEnforced', 'Nobody'))
      .map(
        ([bucket, ownership]): Plan =>
          (s3) =>
            putOwnership(s3, bucket, ownership),
      ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(bucketName, fc.subarray(BLOCKS)).map(
      ([bucket, blocked]): Plan =>
        (s3) => {
          const block = Object.fromEntries(BLOCKS.map((name) => [name, blocked.includes(name)]));
          return putDocument(s3, bucket, BLOCK, { body: writeXml(blockXml(block)) }, (found) => {
            found.block = block;
          });
        },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(bucketName, fc.constantFrom('Requester', 'BucketOwner', 'BucketOwner', 'Nobody')).map(
      ([bucket, payer]): Plan =>
        (s3) => {
          const body = writeXml(['RequestPaymentConfiguration', [['Payer', payer]]]);
          return putDocument(s3, bucket, PAYMENT, { body }, (found) => {
            if (payer !== 'Requester' && payer !== 'BucketOwner') throw new Refused('MalformedXML');
            found.payer = payer;
          });
        },
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(bucketName, bucketAclChoice()).map(
      ([bucket, acl]): Plan =>
        (s3) => {
          return putDocument(s3, bucket, ACL, { headers: aclHeaders(acl) }, (found) => {
            found.acl = bucketAcl(found, acl);
          });
        },
    ),
  },
];

export function taggingXml(tags: readonly Tag[]): Xml {
  const set = tags.map(
    ([key, value]): Xml => [
      'Tag',
      [
        ['Key', key],
        ['Value', value],
      ],
    ],
  );
  return ['Tagging', [['TagSet', set]]];
}

/** Grants to groups come first. An ACL of none is its owner's alone. */
export function aclXml(owner: string, acl: readonly Grant[]): Xml {
  const grants: readonly Grant[] = acl.length === 0 ? [[OWNER === owner ? OWNER : 'bob', 'FULL_CONTROL']] : acl;
  const sorted = [...grants.filter(isPublic), ...grants.filter((grant) => !isPublic(grant))];
  const list = sorted.map(([grantee, permission]): Xml => {
    const who: readonly Xml[] = isPublic([grantee, permission])
      ? [['URI', granteeUri(grantee)]]
      : [
          ['ID', grantee],
          ['DisplayName', grantee],
        ];
    return [
      'Grant',
      [
        ['Grantee', who],
        ['Permission', permission],
      ],
    ];
  });
  return ['AccessControlPolicy', [ownerXml('Owner', owner), ['AccessControlList', list]]];
}

function bucketAclChoice(): fc.Arbitrary<AskedAcl> {
  const canned = fc.constantFrom<AskedAcl[]>(
    { kind: 'canned', name: 'public-read-write' },
    {
      kind: 'grants',
      grants: [
        ['bob', 'WRITE'],
        ['bob', 'READ_ACP'],
      ],
    },
    { kind: 'grants', grants: [['bob', 'WRITE']] },
  );
  return fc.oneof(aclChoice, canned);
}

function getDocument(s3: NaiveS3, bucket: string, { query, get }: Document): S3Call {
  return {
    request: { method: 'GET', bucket, query: [[query, '']] },
    answer() {
      const body = get(s3.bucket(bucket));
      if (typeof body === 'string') throw new Refused(body);
      const headers: Answer['headers'] =
        body instanceof Uint8Array ? { 'content-type': 'application/json', 'content-length': String(body.length) } : {};
      return succeed(200, headers, body);
    },
  };
}

function deleteDocument(s3: NaiveS3, bucket: string, { query, statuses, remove }: Document): S3Call | undefined {
  if (remove === undefined) return undefined;
  return {
    request: { method: 'DELETE', bucket, query: [[query, '']] },
    answer() {
      remove(s3.bucket(bucket));
      return succeed(statuses[1]);
    },
  };
}

function putDocument(
  s3: NaiveS3,
  bucket: string,
  { query, statuses }: Document,
  sent: Pick<S3Request, 'body' | 'headers'>,
  change: (bucket: NaiveBucket) => void,
): S3Call {
  const { body = '', headers = {} } = sent;
  return {
    request: { method: 'PUT', bucket, query: [[query, '']], body, headers, hasDigest: true },
    answer() {
      change(s3.bucket(bucket));
      return succeed(statuses[0]);
    },
  };
}

function putPolicy(s3: NaiveS3, bucket: string, policy: PolicyName | 'broken'): S3Call {
  const body = policy === 'broken' ? '{"Version":' : POLICIES[policy](bucket);
  return putDocument(s3, bucket, POLICY, { body }, (found) => {
    if (policy === 'broken') throw new Refused('MalformedPolicy');
    const isBlocked = found.block?.['BlockPublicPolicy'] === true && policy === 'everybody reads';
    if (isBlocked) throw new Refused('AccessDenied');
    found.policy = body;
  });
}

function putOwnership(s3: NaiveS3, bucket: string, ownership: string): S3Call {
  return putDocument(s3, bucket, OWNERSHIP, { body: writeXml(ownershipXml(ownership)) }, (found) => {
    if (ownership === 'Nobody') throw new Refused('MalformedXML');
    const givesOthers = (found.acl ?? []).some(([grantee]) => grantee !== OWNER);
    if (ownership === 'BucketOwnerEnforced' && givesOthers) throw new Refused('InvalidBucketAclWithObjectOwnership');
    found.ownership = ownership;
  });
}

function isPublicBucket(bucket: NaiveBucket): boolean {
  if (hasPolicy(bucket, 'everybody reads')) return true;
  return aclsCount(bucket) && bucket.block?.['IgnorePublicAcls'] !== true && (bucket.acl ?? []).some(isPublic);
}

function ownershipXml(ownership: string): Xml {
  return ['OwnershipControls', [['Rule', [['ObjectOwnership', ownership]]]]];
}

function blockXml(block: Readonly<Record<string, boolean>>): Xml {
  return ['PublicAccessBlockConfiguration', BLOCKS.map((name): Xml => [name, String(block[name] ?? false)])];
}

function corsXml(rules: readonly CorsRule[]): Xml {
  const list = rules.map(
    ({ id, origins, methods }): Xml => [
      'CORSRule',
      [
        ['ID', id],
        ...origins.map((origin): Xml => ['AllowedOrigin', origin]),
        ...methods.map((method): Xml => ['AllowedMethod', method]),
      ],
    ],
  );
  return ['CORSConfiguration', list];
}
