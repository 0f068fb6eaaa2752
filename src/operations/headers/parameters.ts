import { parseVersionId, type VersionId } from '../../domain/names.ts';
import { S3Error } from '../../domain/s3-error.ts';
import type { S3Request } from '../request.ts';

/** Longest version id that S3 makes, in bytes; what is longer, or has other characters, was never one. */
const VERSION_ID = /^[A-Za-z0-9._+/=-]{1,1024}$/;
const INTEGER = /^\d{1,15}$/;

/** The version that the query names; `null` is the null slot. Throws InvalidArgument for what cannot be a version id. */
export function versionIdOf(request: S3Request): VersionId | undefined {
  const text = request.query.get('versionId');
  return text === undefined ? undefined : requireVersionId(text);
}

/** `text` as a version id. Throws InvalidArgument. */
export function requireVersionId(text: string): VersionId {
  if (VERSION_ID.test(text)) return parseVersionId(text);
  const message = text === '' ? 'Version id cannot be the empty string' : 'Invalid version id specified';
  throw new S3Error('InvalidArgument', { message, elements: { ArgumentName: 'versionId', ArgumentValue: text } });
}

/** Bounds of an integer, both included. */
export interface IntegerBounds {
  readonly min: number;
  readonly max: number;
}

/** The integer in query parameter `name`; `undefined` where it is not there. Throws InvalidArgument. */
export function integerParameter(request: S3Request, name: string, bounds: IntegerBounds): number | undefined {
  const text = request.query.get(name);
  return text === undefined ? undefined : parseInteger(name, text, bounds);
}

/** The integer in header `name`; `undefined` where it is not there. Throws InvalidArgument. */
export function integerHeader(request: S3Request, name: string, bounds: IntegerBounds): number | undefined {
  const text = request.headers.get(name);
  return text === undefined ? undefined : parseInteger(name, text, bounds);
}

/** Whether header `name` says `true`; absent is no. Throws InvalidArgument for anything but `true` and `false`. */
export function booleanHeader(request: S3Request, name: string): boolean {
  const text = request.headers.get(name)?.toLowerCase() ?? 'false';
  if (text === 'true' || text === 'false') return text === 'true';
  throw invalidArgument(name, text, `${name} is either true or false.`);
}

/** An error about one argument, named in the error document as S3 does. */
export function invalidArgument(name: string, value: string, message: string): S3Error {
  return new S3Error('InvalidArgument', { message, elements: { ArgumentName: name, ArgumentValue: value } });
}

function parseInteger(name: string, text: string, { min, max }: IntegerBounds): number {
  const value = INTEGER.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw invalidArgument(name, text, `${name} must be an integer between ${min} and ${max}, inclusive`);
}
