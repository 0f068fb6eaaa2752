import { readdirSync } from 'node:fs';
import type { OperationName } from '../src/operations/s3-model.ts';
import { NOT_IMPLEMENTED, OPERATIONS } from '../src/operations/table.ts';

const CLIENTS_FOLDER = new URL('../test/clients/', import.meta.url);

/** What users call a feature, and the operations that it is made of: first the one without which it is none. */
const FEATURES: readonly (readonly [feature: string, operations: readonly OperationName[]])[] = [
  ['buckets', ['CreateBucket', 'DeleteBucket', 'HeadBucket', 'ListBuckets', 'GetBucketLocation']],
  ['objects', ['PutObject', 'GetObject', 'HeadObject', 'DeleteObject', 'DeleteObjects', 'GetObjectAttributes']],
  ['copies on the server', ['CopyObject', 'UploadPartCopy']],
  ['listings', ['ListObjects', 'ListObjectsV2']],
  [
    'multipart uploads',
    [
      'CreateMultipartUpload',
      'UploadPart',
      'CompleteMultipartUpload',
      'AbortMultipartUpload',
      'ListParts',
      'ListMultipartUploads',
    ],
  ],
  ['versioning', ['PutBucketVersioning', 'GetBucketVersioning', 'ListObjectVersions']],
  ['ACLs', ['PutBucketAcl', 'GetBucketAcl', 'PutObjectAcl', 'GetObjectAcl']],
  ['object ownership', ['PutBucketOwnershipControls', 'GetBucketOwnershipControls', 'DeleteBucketOwnershipControls']],
  ['public access block', ['PutPublicAccessBlock', 'GetPublicAccessBlock', 'DeletePublicAccessBlock']],
  ['bucket policies', ['PutBucketPolicy', 'GetBucketPolicy', 'DeleteBucketPolicy', 'GetBucketPolicyStatus']],
  ['CORS', ['PutBucketCors', 'GetBucketCors', 'DeleteBucketCors']],
  ['websites', ['PutBucketWebsite', 'GetBucketWebsite', 'DeleteBucketWebsite']],
  ['tags of buckets', ['PutBucketTagging', 'GetBucketTagging', 'DeleteBucketTagging']],
  ['tags of objects', ['PutObjectTagging', 'GetObjectTagging', 'DeleteObjectTagging']],
  ['lifecycle rules', ['PutBucketLifecycleConfiguration', 'GetBucketLifecycleConfiguration', 'DeleteBucketLifecycle']],
  [
    'object lock',
    [
      'PutObjectLockConfiguration',
      'GetObjectLockConfiguration',
      'PutObjectRetention',
      'GetObjectRetention',
      'PutObjectLegalHold',
      'GetObjectLegalHold',
    ],
  ],
  ['default encryption', ['PutBucketEncryption', 'GetBucketEncryption', 'DeleteBucketEncryption']],
  ['access logs', ['PutBucketLogging', 'GetBucketLogging']],
  ['notifications', ['PutBucketNotificationConfiguration', 'GetBucketNotificationConfiguration']],
  ['replication', ['PutBucketReplication', 'GetBucketReplication', 'DeleteBucketReplication']],
  ['requester pays', ['PutBucketRequestPayment', 'GetBucketRequestPayment']],
  ['restore from an archive', ['RestoreObject']],
  ['queries on objects', ['SelectObjectContent']],
];

/** Names that are not what their test files are called. */
const CLIENT_NAMES: Readonly<Record<string, string>> = {
  'go-sdk': 'AWS SDK for Go',
  'java-sdk': 'AWS SDK for Java',
  hadoop: "Hadoop's S3A",
  nginx: 'nginx in front, with the AWS CLI and curl',
  original: 's3cmd as the README of Pithos 0.7 has it',
  parquet: 'pyarrow and DuckDB',
  'aws-cli': 'AWS CLI',
  sdk: 'AWS SDK for JavaScript',
};
/** Test files of something other than one client. */
const NO_CLIENTS = ['examples'];

/** `text` of `docs/compatibility.md` with its generated parts as they are now. */
export function renderCompatibility(text: string): string {
  const features = FEATURES.map(([feature, operations]) => `| ${feature} | ${stateOf(operations)} |`);
  const clients = readdirSync(CLIENTS_FOLDER)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => name.replace(/\.test\.ts$/, ''))
    .filter((name) => !NO_CLIENTS.includes(name))
    .sort()
    .map(
      (name) => `| ${CLIENT_NAMES[name] ?? name} | [test/clients/${name}.test.ts](../test/clients/${name}.test.ts) |`,
    );
  const parts = {
    features: ['| feature | |', '|---|---|', ...features],
    clients: ['| client | what it does in every test run |', '|---|---|', ...clients],
  };
  let rendered = text;
  for (const [name, lines] of Object.entries(parts)) {
    const part = new RegExp(`(<!-- generated: ${name} -->\n)[^]*?(\n<!-- end of ${name} -->)`);
    if (!part.test(rendered)) throw new Error(`There is no place for the generated ${name}.`);
    rendered = rendered.replace(part, (_, begin: string, end: string) => `${begin}\n${lines.join('\n')}\n${end}`);
  }
  return rendered;
}

function stateOf(operations: readonly OperationName[]): string {
  const missing = operations.filter((name) => OPERATIONS[name] === NOT_IMPLEMENTED);
  const [first] = operations;
  if (missing.length === 0) return 'yes';
  if (missing.length === operations.length) return 'no: 501 by name';
  // What only says that nothing is configured is no feature.
  if (missing[0] === first) return 'no: setting it is 501, asking for it finds none';
  return `yes, but for ${missing.join(', ')}`;
}
