import { type OperationName, S3_MODEL } from '../../src/operations/s3-model.ts';

export interface OperationRequest {
  readonly method: string;
  /** As it goes on the wire. */
  readonly path: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly headers: Readonly<Record<string, string>>;
}

/** What is asked for where `1` names nothing. */
const VALUES: Readonly<Record<string, string>> = { 'x-amz-object-attributes': 'ETag' };

/** A request that is this operation by the model alone: what it requires has the value `1`. */
export function requestFor(name: OperationName, bucket: string, key = 'key'): OperationRequest {
  const { method, target, literals, required } = S3_MODEL[name];
  const places: readonly string[] = required;
  const path = { service: '/', bucket: `/${bucket}`, object: `/${bucket}/${key}` }[target];
  const valuesOf = (kind: string) =>
    places
      .filter((place) => place.startsWith(kind))
      .map((place) => place.slice(kind.length))
      .map((parameter): [string, string] => [parameter, VALUES[parameter] ?? '1']);
  const query: [string, string][] = [...Object.entries(literals), ...valuesOf('query:')];
  if (name === 'ListDirectoryBuckets') query.push(['max-directory-buckets', '1']);
  return { method, path, query, headers: Object.fromEntries(valuesOf('header:')) };
}
