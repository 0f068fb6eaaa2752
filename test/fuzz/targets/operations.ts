import { validateHeaderName, validateHeaderValue } from 'node:http';
import { parseObjectKey } from '../../../src/domain/names.ts';
import { S3Error } from '../../../src/domain/s3-error.ts';
import { createBucket } from '../../../src/operations/bucket/create-bucket.ts';
import type { AnyOperation } from '../../../src/operations/operation.ts';
import { NOT_IMPLEMENTED, OPERATIONS } from '../../../src/operations/table.ts';
import { XmlError } from '../../../src/xml/parse.ts';
import { type CallRequest, type CallResult, MemoryOperations } from '../../support/memory-operations.ts';
import type { Dice } from '../dice.ts';
import { attempt, type FuzzTarget } from '../fuzz-target.ts';
import { mutate, perhaps } from '../mutate.ts';

const IMPLEMENTED: ReadonlyMap<string, AnyOperation> = new Map(
  Object.entries(OPERATIONS).flatMap(([name, operation]) => (operation === NOT_IMPLEMENTED ? [] : [[name, operation]])),
);
const NUMBERS = ['0', '1', '1000', '10000', '10001', '-1', '2147483648'];
const IDS = ['null', '0000000000000001aaaaaaaaaaaaaaaa', 'a', 'YQ==', '1/a'];
const DATES = ['Sat, 31 Jan 2026 12:00:00 GMT', '2026-01-31T12:00:00Z', 'Saturday, 31-Jan-26 12:00:00 GMT', '1e20'];
const ETAGS = ['"d41d8cd98f00b204e9800998ecf8427e"', '*', 'W/"a"', '"a","b"', 'd41d8cd98f00b204e9800998ecf8427e-2'];
/** Query parameters by name, with values that are right somewhere. */
export const QUERY: Readonly<Record<string, readonly string[]>> = {
  versionId: IDS,
  uploadId: IDS,
  'continuation-token': IDS,
  'key-marker': ['a', ''],
  'version-id-marker': IDS,
  'upload-id-marker': IDS,
  'part-number-marker': NUMBERS,
  partNumber: NUMBERS,
  'max-keys': NUMBERS,
  'max-parts': NUMBERS,
  'max-uploads': NUMBERS,
  'max-buckets': NUMBERS,
  prefix: ['a', ''],
  delimiter: ['/', ''],
  marker: ['a'],
  'start-after': ['a'],
  'encoding-type': ['url'],
  'fetch-owner': ['true'],
  'response-content-type': ['text/plain'],
  'response-expires': DATES,
};
/** The same of headers. */
export const HEADERS: Readonly<Record<string, readonly string[]>> = {
  range: ['bytes=0-1', 'bytes=-1', 'bytes=5-', 'bytes=0-0,2-3', 'bytes=9007199254740993-'],
  'if-match': ETAGS,
  'if-none-match': ETAGS,
  'if-modified-since': DATES,
  'if-unmodified-since': DATES,
  expires: DATES,
  'x-amz-copy-source': ['/bucket/key', 'bucket/key?versionId=null', 'bucket%2Fkey'],
  'x-amz-copy-source-range': ['bytes=0-1'],
  'x-amz-copy-source-if-match': ETAGS,
  'x-amz-copy-source-if-modified-since': DATES,
  'x-amz-metadata-directive': ['COPY', 'REPLACE'],
  'x-amz-tagging-directive': ['COPY', 'REPLACE'],
  'x-amz-tagging': ['a=b&c=d', 'a'],
  'x-amz-acl': ['private', 'public-read'],
  'x-amz-grant-read': ['id="alice"', 'uri="http://acs.amazonaws.com/groups/global/AllUsers"', 'emailAddress="a"'],
  'x-amz-storage-class': ['STANDARD', 'GLACIER'],
  'x-amz-checksum-crc32': ['AAAAAA=='],
  'x-amz-checksum-algorithm': ['CRC32', 'SHA256'],
  'x-amz-sdk-checksum-algorithm': ['CRC64NVME'],
  'x-amz-checksum-type': ['FULL_OBJECT', 'COMPOSITE'],
  'x-amz-checksum-mode': ['ENABLED'],
  'content-md5': ['1B2M2Y8AsgTpgAmY7PhCfg=='],
  'content-type': ['text/plain'],
  'content-encoding': ['aws-chunked', 'gzip,aws-chunked'],
  'x-amz-meta-a': ['b', 'é'],
  'x-amz-object-attributes': ['ETag,ObjectParts', 'Checksum'],
  'x-amz-max-parts': NUMBERS,
  'x-amz-part-number-marker': NUMBERS,
  'x-amz-mp-object-size': NUMBERS,
  'x-amz-object-ownership': ['ObjectWriter'],
  'x-amz-website-redirect-location': ['/a'],
  'x-amz-bypass-governance-retention': ['true'],
  'x-amz-expected-bucket-owner': ['alice'],
  'x-amz-request-payer': ['requester'],
  'cache-control': ['no-cache'],
  'x-amz-if-match-size': NUMBERS,
};
/** Documents that are right somewhere. */
export const BODIES = [
  '<Delete><Object><Key>key</Key><VersionId>null</VersionId></Object><Quiet>true</Quiet></Delete>',
  '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"a"</ETag></Part></CompleteMultipartUpload>',
  '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>',
  '<CreateBucketConfiguration><LocationConstraint>us-east-1</LocationConstraint></CreateBucketConfiguration>',
  '<CORSConfiguration><CORSRule><ID>a</ID><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin><AllowedHeader>x-*</AllowedHeader><MaxAgeSeconds>5</MaxAgeSeconds></CORSRule></CORSConfiguration>',
  '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>',
  '<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>',
  '<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>',
  '<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>',
  '<AccessControlPolicy xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><Owner><ID>alice</ID></Owner><AccessControlList><Grant><Grantee xsi:type="CanonicalUser"><ID>alice</ID></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>',
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}]}',
  '',
  'five!',
];

/** S3 sends control characters as references that no parser of XML 1.0 takes. */
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

type Call = (operation: AnyOperation, request: CallRequest) => Promise<CallResult>;

/**
 * Operations on stores in memory, with any parameters, headers and documents: each answers, in XML that can be read
 * and headers that can be sent, or throws an S3Error that is no internal one. An input is the operation and the key,
 * then lines of parameters (`?name value`) and headers, an empty line, and the body.
 */
export function operations(wrap: (call: Call) => Call = (call) => call): FuzzTarget {
  return {
    name: 'operations',
    make(dice) {
      const lines = [`${dice.pick([...IMPLEMENTED.keys()])} ${perhaps(dice, ['key', 'a/b', 'missing'], 0.3)}`];
      lines.push(...dice.some(3, () => `?${pair(dice, QUERY)}`), ...dice.some(4, () => pair(dice, HEADERS)));
      return `${lines.map((line) => line.replaceAll(/[\r\n]/g, ' ')).join('\n')}\n\n${perhaps(dice, BODIES, 0.5)}`;
    },
    async check(input) {
      const { operation, request } = parseInput(input);
      if (operation === undefined || parseObjectKey(request.key ?? '') === undefined) return;
      const memory = new MemoryOperations();
      await memory.call(createBucket, { bucket: 'bucket' });
      await memory.put('bucket', 'key');
      await memory.upload('bucket', 'key');
      const call = wrap((each, asked) => memory.call(each, asked));
      const target = operation === createBucket ? 'other' : 'bucket';
      const result = await attempt(
        () => call(operation, { ...request, bucket: target }),
        (error) => isNamed(error, input),
      );
      for (const [name, value] of result?.headers ?? []) {
        validateHeaderName(name);
        validateHeaderValue(name, value);
      }
    },
  };
}

/** The memory operations say it for themselves where a copy names a bucket that is not there. */
function isNamed(error: unknown, input: string): boolean {
  if (error instanceof XmlError) return CONTROL.test(input) && error.message.includes('malformed character entity');
  if (error instanceof S3Error) return error.status !== 500;
  return error instanceof Error && error.message.startsWith('There is no bucket ');
}

function pair(dice: Dice, values: Readonly<Record<string, readonly string[]>>): string {
  const name = dice.pick(Object.keys(values));
  const value = perhaps(dice, values[name] ?? [], 0.4);
  return `${name} ${dice.chance(0.05) ? mutate(dice, value) : value}`;
}

function parseInput(input: string): { readonly operation: AnyOperation | undefined; readonly request: CallRequest } {
  const end = input.indexOf('\n\n');
  const [first = '', ...lines] = input.slice(0, Math.max(end, 0)).split('\n');
  const named = (each: string): [string, string] => {
    const space = each.indexOf(' ');
    return space === -1 ? [each, ''] : [each.slice(0, space), each.slice(space + 1)];
  };
  const [name, key] = named(first);
  const query = Object.fromEntries(lines.filter((line) => line.startsWith('?')).map((line) => named(line.slice(1))));
  const headers = Object.fromEntries(lines.filter((line) => !line.startsWith('?')).map(named));
  return { operation: IMPLEMENTED.get(name), request: { key, query, headers, body: input.slice(end + 2) } };
}
