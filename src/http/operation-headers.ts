import { S3Error } from '../domain/s3-error.ts';
import type { PayloadMode } from './auth/payload-mode.ts';
import { PRESIGNED_PARAMETERS } from './auth/presigned.ts';
import type { QueryParameters, RequestHeaders } from './parameters.ts';

const AMZ = /^x-amz-/i;
const AWS_CHUNKED = 'aws-chunked';
/**
 * Quirk: S3 ignores checksums in a query (aws-sdk-go-v2 #2610, 2024; ministack #1695, 2026). The SDK for JavaScript
 * puts the one of an empty body into each URL it presigns for PutObject, so nobody could use those otherwise.
 */
const IGNORED_IN_QUERY = /^x-amz-(?:sdk-checksum-algorithm|checksum-(?!algorithm$|mode$|type$).*)$/;

/**
 * The headers as operations shall see them.
 *
 * Signers of URLs put `x-amz-*` headers into the query, so each such parameter is taken for the header of its name,
 * but for checksums.
 * `aws-chunked` is the framing of this request and no encoding of the object, so it goes from Content-Encoding.
 * Errors: InvalidArgument 400 where a header and a parameter of one name differ.
 */
export function operationHeaders(
  headers: RequestHeaders,
  { query, payload }: { readonly query: QueryParameters; readonly payload: PayloadMode },
): RequestHeaders {
  const changes = new Map<string, string | undefined>();
  for (const [parameter, value] of query.pairs) {
    if (!AMZ.test(parameter) || PRESIGNED_PARAMETERS.has(parameter)) continue;
    const name = parameter.toLowerCase();
    if (IGNORED_IN_QUERY.test(name)) continue;
    const given = changes.get(name) ?? headers.get(name);
    if (given !== undefined && given !== value) {
      throw new S3Error('InvalidArgument', {
        message: `The header and the query parameter ${name} must not differ.`,
        elements: { ArgumentName: name, ArgumentValue: value },
      });
    }
    changes.set(name, value);
  }
  const encoding = headers.get('content-encoding');
  if (payload.kind === 'chunked' && encoding !== undefined)
    changes.set('content-encoding', withoutAwsChunked(encoding));
  return changes.size === 0 ? headers : headers.with(changes);
}

function withoutAwsChunked(encoding: string): string | undefined {
  const codings = encoding.split(',').map((coding) => coding.trim());
  const left = codings.filter((coding) => coding.toLowerCase() !== AWS_CHUNKED && coding !== '');
  return left.length === 0 ? undefined : left.join(',');
}
