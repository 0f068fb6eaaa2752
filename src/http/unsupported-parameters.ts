import { S3Error } from '../domain/s3-error.ts';
import { requireChecksumAlgorithm } from '../operations/body-digests.ts';
import type { AnyOperation } from '../operations/operation.ts';
import type { ParameterMap } from '../operations/request.ts';
import { S3_MODEL } from '../operations/s3-model.ts';

/** Headers that are looked after here and in dispatch, for every operation alike. */
export const CENTRAL_HEADERS: ReadonlySet<string> = new Set([
  'content-length',
  'x-amz-expected-bucket-owner',
  'x-amz-source-expected-bucket-owner',
  'x-amz-request-payer',
  'x-amz-sdk-checksum-algorithm',
]);
const CHECKSUM_PREFIX = 'x-amz-checksum-';
const SDK_CHECKSUM_ALGORITHM = 'x-amz-sdk-checksum-algorithm';
/** Headers with the checksums' prefix that hold none. */
const CHECKSUM_SETTINGS: ReadonlySet<string> = new Set(['algorithm', 'mode', 'type']);

/** Where the parameters of one operation stand that S3 knows and Pithos does not honour. */
interface Unsupported {
  readonly headers: ReadonlySet<string>;
  readonly headerPrefixes: readonly string[];
  readonly query: ReadonlySet<string>;
}

/** Finds parameters that would be ignored, so that a request never gets a 200 for something not done. */
export class UnsupportedParameters {
  readonly #byOperation = new WeakMap<AnyOperation, Unsupported>();

  /** Throws NotImplemented 501, or InvalidRequest 400 for a checksum algorithm that S3 does not have; both name it. */
  refuse(operation: AnyOperation, request: { readonly query: ParameterMap; readonly headers: ParameterMap }): void {
    const unsupported = this.#of(operation);
    for (const name of request.query.names()) {
      if (unsupported.query.has(name)) throw notImplemented(`The query parameter ${name} of ${operation.name}`, name);
    }
    for (const name of request.headers.names()) {
      if (unsupported.headers.has(name) || unsupported.headerPrefixes.some((prefix) => name.startsWith(prefix))) {
        throw notImplemented(`The header ${name} of ${operation.name}`, name);
      }
      if (name.startsWith(CHECKSUM_PREFIX)) refuseUnknownChecksum(name);
    }
    const announced = request.headers.get(SDK_CHECKSUM_ALGORITHM);
    if (announced !== undefined) requireChecksumAlgorithm(SDK_CHECKSUM_ALGORITHM, announced);
    refuseUnknownTrailers(request.headers.get('x-amz-trailer'));
  }

  #of(operation: AnyOperation): Unsupported {
    const known = this.#byOperation.get(operation);
    if (known !== undefined) return known;
    const unsupported = readUnsupported(operation);
    this.#byOperation.set(operation, unsupported);
    return unsupported;
  }
}

function readUnsupported(operation: AnyOperation): Unsupported {
  const headers = new Set<string>();
  const headerPrefixes: string[] = [];
  const query = new Set<string>();
  for (const [parameter, place] of Object.entries(S3_MODEL[operation.name].parameters)) {
    if (operation.parameters.includes(parameter)) continue;
    const [kind = '', name = ''] = place.split(':');
    if (kind === 'query') query.add(name);
    else if (kind === 'headers') headerPrefixes.push(name);
    else if (kind === 'header' && !CENTRAL_HEADERS.has(name)) headers.add(name);
  }
  return { headers, headerPrefixes, query };
}

function refuseUnknownChecksum(name: string): void {
  const suffix = name.slice(CHECKSUM_PREFIX.length);
  if (!CHECKSUM_SETTINGS.has(suffix)) requireChecksumAlgorithm(name, suffix);
}

function refuseUnknownTrailers(announced: string | undefined): void {
  for (const part of announced?.split(',') ?? []) {
    const name = part.trim().toLowerCase();
    if (name.startsWith(CHECKSUM_PREFIX)) requireChecksumAlgorithm(name, name.slice(CHECKSUM_PREFIX.length));
  }
}

function notImplemented(what: string, name: string): S3Error {
  return new S3Error('NotImplemented', {
    message: `${what} is not implemented.`,
    elements: { Parameter: name },
  });
}
