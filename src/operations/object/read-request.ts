import type { ObjectKey, VersionId } from '../../domain/names.ts';
import { S3Error } from '../../domain/s3-error.ts';
import { PART_NUMBER_MAX } from '../../domain/upload.ts';
import { type ReadConditions, readConditions } from '../headers/conditions.ts';
import { headerBytes } from '../headers/header-text.ts';
import { requireNoControlCharacters } from '../headers/object-description.ts';
import { integerParameter, invalidArgument, versionIdOf } from '../headers/parameters.ts';
import { parseRange, type RequestedRange } from '../headers/range.ts';
import type { RequestOf } from '../operation.ts';
import type { HeaderFields } from '../reply.ts';
import type { S3Request } from '../request.ts';

/** What GetObject and HeadObject are asked for. */
export interface ReadInput {
  readonly method: string;
  readonly key: ObjectKey;
  readonly versionId: VersionId | undefined;
  readonly conditions: ReadConditions;
  readonly extent: RequestedExtent;
  /** Headers that the `response-*` parameters put in place of the stored ones. */
  readonly overrides: HeaderFields;
  /** `x-amz-checksum-mode: ENABLED`. */
  readonly withChecksum: boolean;
}

/** Which bytes are asked for. */
export type RequestedExtent =
  | { readonly kind: 'whole' }
  /** `ifRange`: the range counts only for the version with this ETag or date; otherwise the whole object is sent. */
  | {
      readonly kind: 'range';
      readonly range: RequestedRange;
      readonly text: string;
      readonly ifRange: string | undefined;
    }
  | { readonly kind: 'part'; readonly partNumber: number };

const WHOLE: RequestedExtent = { kind: 'whole' };
const NO_OVERRIDES: HeaderFields = {};

/** The parameters that both operations honour. */
export const READ_PARAMETERS: readonly string[] = [
  'ChecksumMode',
  'IfMatch',
  'IfModifiedSince',
  'IfNoneMatch',
  'IfUnmodifiedSince',
  'PartNumber',
  'Range',
  'ResponseCacheControl',
  'ResponseContentDisposition',
  'ResponseContentEncoding',
  'ResponseContentLanguage',
  'ResponseContentType',
  'ResponseExpires',
  'VersionId',
];

const OVERRIDES: readonly (readonly [parameter: string, header: string])[] = [
  ['response-cache-control', 'Cache-Control'],
  ['response-content-disposition', 'Content-Disposition'],
  ['response-content-encoding', 'Content-Encoding'],
  ['response-content-language', 'Content-Language'],
  ['response-content-type', 'Content-Type'],
  ['response-expires', 'Expires'],
];

/** Throws InvalidArgument; InvalidRequest for a range of a part. */
export function parseRead(request: RequestOf<'object'>): ReadInput {
  return {
    method: request.method,
    key: request.key,
    versionId: versionIdOf(request),
    conditions: readConditions(request),
    extent: requestedExtent(request),
    overrides: responseOverrides(request),
    withChecksum: checksumMode(request),
  };
}

function requestedExtent(request: S3Request): RequestedExtent {
  const text = request.headers.get('range');
  const partNumber = integerParameter(request, 'partNumber', { min: 1, max: PART_NUMBER_MAX });
  if (partNumber !== undefined) {
    if (text === undefined) return { kind: 'part', partNumber };
    throw new S3Error('InvalidRequest', {
      message: 'Cannot specify both Range header and partNumber query parameter',
    });
  }
  const range = parseRange(text);
  if (text === undefined || range === undefined) return WHOLE;
  return { kind: 'range', range, text, ifRange: request.headers.get('if-range') };
}

/** Source: the section on overriding response header values at https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
function responseOverrides({ query }: S3Request): HeaderFields {
  let overrides: Record<string, string> | undefined;
  for (const [parameter, header] of OVERRIDES) {
    const value = query.get(parameter);
    if (value === undefined) continue;
    requireNoControlCharacters(parameter, value);
    overrides ??= {};
    overrides[header] = headerBytes(value);
  }
  return overrides ?? NO_OVERRIDES;
}

function checksumMode({ headers }: S3Request): boolean {
  const mode = headers.get('x-amz-checksum-mode');
  if (mode === undefined) return false;
  if (mode.toUpperCase() === 'ENABLED') return true;
  throw invalidArgument('x-amz-checksum-mode', mode, 'x-amz-checksum-mode is ENABLED or left out.');
}
