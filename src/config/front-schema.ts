import { z } from 'zod';
import { parseAddressRange } from '../domain/address-range.ts';
import { OBJECT_OWNERSHIPS } from '../domain/bucket.ts';
import { type CorsRule, isHeaderName, isHeaderPattern, isOriginPattern } from '../domain/cors.ts';
import { parseBucketName } from '../domain/names.ts';
import { PUBLIC_URLS_MAX, parsePublicUrl } from '../domain/public-url.ts';
import { BUCKET_ACLS, type ConfiguredBucket } from './config.ts';
import { boolean, integer, listOf, oneOf } from './scalars.ts';
import { parseYamlTree } from './yaml-tree.ts';

const TRUSTED_PROXIES_MAX = 1_000;
const BUCKETS_MAX = 1_000;
const CORS_METHODS = ['GET', 'PUT', 'HEAD', 'POST', 'DELETE'];
/** Origins, methods or headers of one rule. */
const CORS_ITEMS_MAX = 100;
const MAX_AGE_SECONDS_MAX = 2 ** 31 - 1;

/** Texts of which each may stand in the head of an answer, as those of a bucket's own rules. */
const texts = (expected: string, isOne: (text: string) => boolean) =>
  listOf(expected, CORS_ITEMS_MAX, (text) => (isOne(text) ? text : undefined));

/** A rule in the form of the original's `default-cors`. */
const corsRule = z
  .strictObject({
    origins: texts('origins such as https://*.example.com', isOriginPattern),
    methods: listOf(`methods among ${CORS_METHODS.join(', ')}`, CORS_ITEMS_MAX, (text) =>
      CORS_METHODS.find((method) => method === text.toUpperCase()),
    ),
    headers: texts('names of headers', isHeaderPattern).optional(),
    exposed: texts('names of headers', isHeaderName).optional(),
    'max-age': integer(0, MAX_AGE_SECONDS_MAX).optional(),
  })
  .transform(
    ({ origins, methods, headers = [], exposed = [], 'max-age': maxAgeSeconds }): CorsRule => ({
      allowedOrigins: origins,
      allowedMethods: methods,
      allowedHeaders: headers,
      exposeHeaders: exposed,
      ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
    }),
  );

const corsRules = z.array(corsRule, { error: 'must be a list of rules' });

/** A list in the file; in a variable or a flag, the same list as JSON. */
const defaultCors = z.union(
  [
    z
      .string()
      .transform((text): unknown => parseYamlTree(text).tree)
      .pipe(corsRules),
    corsRules,
  ],
  { error: 'must be a list of rules such as { origins: ["*"], methods: [GET] }' },
);

/** Settings of `options` about how requests come in, and what buckets there are. */
export const frontKeys = {
  'public-url': listOf('URLs such as https://s3.example.com', PUBLIC_URLS_MAX, (text) =>
    parsePublicUrl(text) === undefined ? undefined : text,
  ).optional(),
  'trusted-proxies': listOf('addresses and ranges such as 10.0.0.0/8', TRUSTED_PROXIES_MAX, (text) =>
    parseAddressRange(text) === undefined ? undefined : text,
  ).optional(),
  'signature-v2': boolean.optional(),
  'default-cors': defaultCors.optional(),
  'object-ownership': oneOf(...OBJECT_OWNERSHIPS).optional(),
  buckets: listOf(
    `names of buckets, each perhaps with a canned ACL (${BUCKET_ACLS.join(', ')}), such as photos or site:public-read`,
    BUCKETS_MAX,
    parseBucket,
  ).optional(),
};

/** `photos`, or `photos:public-read`. */
function parseBucket(text: string): ConfiguredBucket | undefined {
  const [bucket = '', canned = 'private', ...rest] = text.split(':');
  const name = parseBucketName(bucket);
  const acl = BUCKET_ACLS.find((each) => each === canned);
  return name === undefined || acl === undefined || rest.length > 0 ? undefined : { name, acl };
}
