import { S3Error } from '../domain/s3-error.ts';

/** Longest text of a client's that a message repeats, in UTF-16 units. */
const QUOTED_UNITS_MAX = 100;

export function malformedPolicy(message: string, cause?: unknown): S3Error {
  return new S3Error('MalformedPolicy', { message, cause });
}

/** Text of a client's for a message, cut to a bearable length. */
export function quoted(text: string): string {
  const cut = text.length > QUOTED_UNITS_MAX ? `${text.slice(0, QUOTED_UNITS_MAX)}…` : text;
  return JSON.stringify(cut.toWellFormed());
}
