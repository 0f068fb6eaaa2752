import fc from 'fast-check';
import { type Answer, Refused, type S3Call, type S3Request, succeed } from './s3-call.ts';
import {
  aclChoice,
  bucketName,
  byKey,
  type KeyChoice,
  keyChoice,
  keyOf,
  type VersionChoice,
  versionChoice,
  versionIdOf,
  versionQuery,
} from './s3-choices.ts';
import type { Plan } from './s3-command.ts';
import { aclXml, taggingXml } from './s3-configuration-calls.ts';
import {
  type AskedAcl,
  aclHeaders,
  aclsCount,
  objectAcl,
  requireObject,
  type VersionTarget,
  versionHeader,
} from './s3-rights.ts';
import { type NaiveBucket, type NaiveObject, type NaiveS3, OWNER, replaceVersion, type Tag } from './s3-state.ts';
import { writeXml } from './s3-xml.ts';

/** Most tags of an object. */
const TAGS_MAX = 10;

interface Place {
  readonly bucket: string;
  readonly key: KeyChoice;
  readonly version: VersionChoice;
}

const place: fc.Arbitrary<Place> = fc.record({ bucket: bucketName, key: keyChoice, version: versionChoice });
const tags = fc.constantFrom<(readonly Tag[])[]>(
  [],
  [['new', 'tag']],
  [
    ['z', '1'],
    ['a', ''],
  ],
  Array.from({ length: TAGS_MAX }, (_, index): Tag => [`${index}`, 'x']),
  Array.from({ length: TAGS_MAX + 1 }, (_, index): Tag => [`${index}`, 'x']),
);

/** What may change of a version: its tags and its ACL. */
export const attributeCalls: readonly fc.WeightedArbitrary<Plan>[] = [
  {
    weight: 5,
    arbitrary: fc.tuple(place, tags).map(
      ([at, chosen]): Plan =>
        (s3) =>
          putTagging(s3, at, chosen),
    ),
  },
  {
    weight: 4,
    arbitrary: place.map(
      (at): Plan =>
        (s3) =>
          getTagging(s3, at),
    ),
  },
  {
    weight: 2,
    arbitrary: place.map(
      (at): Plan =>
        (s3) =>
          deleteTagging(s3, at),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(place, aclChoice).map(
      ([at, acl]): Plan =>
        (s3) =>
          putAcl(s3, at, acl),
    ),
  },
  {
    weight: 4,
    arbitrary: place.map(
      (at): Plan =>
        (s3) =>
          getAcl(s3, at),
    ),
  },
];

/** One call on the tags or the ACL of a version; `answer` gets that, once it is known to be there. */
function callOn(
  s3: NaiveS3,
  at: Place,
  request: Pick<S3Request, 'method' | 'headers' | 'body'> & { readonly query: 'tagging' | 'acl' },
  answer: (found: { readonly bucket: NaiveBucket; readonly object: NaiveObject }) => Answer,
): S3Call {
  const { query, ...sent } = request;
  const key = keyOf(s3, at.bucket, at.key);
  const versionId = versionIdOf(s3, { bucket: at.bucket, key }, at.version);
  const permissions = { tagging: undefined, acl: sent.method === 'PUT' ? 'WRITE_ACP' : 'READ_ACP' } as const;
  const target: VersionTarget = {
    caller: 'alice',
    bucket: at.bucket,
    key,
    versionId,
    permission: permissions[query],
    method: sent.method,
  };
  return {
    request: { ...sent, bucket: at.bucket, key, query: [[query, ''], ...versionQuery(versionId)] },
    answer() {
      const found = requireObject(s3, target);
      const { status, headers, body } = answer(found);
      return succeed(status, { ...headers, ...versionHeader(found.bucket, found.object.id) }, body);
    },
  };
}

/** That there are too many is seen before the object is looked for. */
function putTagging(s3: NaiveS3, at: Place, chosen: readonly Tag[]): S3Call {
  const call = callOn(s3, at, { method: 'PUT', query: 'tagging', body: writeXml(taggingXml(chosen)) }, (found) => {
    replaceVersion(found.bucket, { ...found.object, tags: byKey(chosen) });
    return succeed(200);
  });
  return {
    ...call,
    answer() {
      s3.bucket(at.bucket);
      if (chosen.length > TAGS_MAX) throw new Refused('InvalidTag');
      return call.answer();
    },
  };
}

function getTagging(s3: NaiveS3, at: Place): S3Call {
  return callOn(s3, at, { method: 'GET', query: 'tagging' }, ({ object }) => succeed(200, {}, taggingXml(object.tags)));
}

function deleteTagging(s3: NaiveS3, at: Place): S3Call {
  return callOn(s3, at, { method: 'DELETE', query: 'tagging' }, ({ bucket, object }) => {
    replaceVersion(bucket, { ...object, tags: [] });
    return succeed(204);
  });
}

function putAcl(s3: NaiveS3, at: Place, acl: AskedAcl): S3Call {
  return callOn(s3, at, { method: 'PUT', query: 'acl', headers: aclHeaders(acl) }, ({ bucket, object }) => {
    replaceVersion(bucket, { ...object, acl: objectAcl(bucket, object.owner, acl) });
    return succeed(200);
  });
}

/** Where ACLs are disabled, everything is the bucket owner's. */
function getAcl(s3: NaiveS3, at: Place): S3Call {
  return callOn(s3, at, { method: 'GET', query: 'acl' }, ({ bucket, object }) =>
    succeed(200, {}, aclsCount(bucket) ? aclXml(object.owner, object.acl) : aclXml(OWNER, [])),
  );
}
