import type { ByteRange } from '../../stores/blobstore.ts';

/** A range of bytes as a client asks for it, before the object's size is known. */
export type RequestedRange =
  /** `last` is `undefined` for `bytes=5-`; both are 0-based and included. */
  | { readonly kind: 'from'; readonly first: number; readonly last: number | undefined }
  /** The last `lengthBytes` bytes. */
  | { readonly kind: 'suffix'; readonly lengthBytes: number };

const RANGE = /^bytes=\s*(\d*)\s*-\s*(\d*)\s*$/i;

/**
 * The range in a Range header, or `undefined` where the whole object is to be sent: S3 answers several ranges, other
 * units, and what is no range at all as if there were no header.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html and https://www.rfc-editor.org/rfc/rfc9110#section-14.2
 */
export function parseRange(text: string | undefined): RequestedRange | undefined {
  const [, first, last] = (text === undefined ? null : RANGE.exec(text)) ?? [];
  if (first === undefined || last === undefined) return undefined;
  if (first === '') return last === '' ? undefined : { kind: 'suffix', lengthBytes: Number(last) };
  if (last === '') return { kind: 'from', first: Number(first), last: undefined };
  return Number(last) < Number(first) ? undefined : { kind: 'from', first: Number(first), last: Number(last) };
}

/** The bytes of an object of `sizeBytes` that `range` names, cut to what there is; `undefined` where that is none. */
export function resolveRange(range: RequestedRange, sizeBytes: number): ByteRange | undefined {
  if (range.kind === 'suffix') {
    const lengthBytes = Math.min(range.lengthBytes, sizeBytes);
    return lengthBytes === 0 ? undefined : { offsetBytes: sizeBytes - lengthBytes, lengthBytes };
  }
  if (range.first >= sizeBytes) return undefined;
  const last = Math.min(range.last ?? Number.POSITIVE_INFINITY, sizeBytes - 1);
  return { offsetBytes: range.first, lengthBytes: last - range.first + 1 };
}

/** The value of Content-Range for `range`, which is not empty. */
export function contentRange({ offsetBytes, lengthBytes }: ByteRange, sizeBytes: number): string {
  return `bytes ${offsetBytes}-${offsetBytes + lengthBytes - 1}/${sizeBytes}`;
}
