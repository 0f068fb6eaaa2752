import { createHash } from 'node:crypto';

/** An entity tag without its quotes: the MD5 in hex, for a multipart object followed by `-` and its number of parts. */
export type ETag = string & { readonly __brand: 'ETag' };

const ETAG = /^[\x21\x23-\x7e\x80-\xff]{1,1024}$/;

/** The ETag in `text`, which may be quoted, or `undefined` where it cannot be one. */
export function parseETag(text: string): ETag | undefined {
  const bare = text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
  return ETAG.test(bare) ? (bare as ETag) : undefined;
}

/** The ETag of a body sent in one piece: its MD5. */
export function etagOfMd5(md5: Uint8Array): ETag {
  return Buffer.from(md5).toString('hex') as ETag;
}

/**
 * The ETag of a completed upload: the MD5 of its parts' MD5s, and their number.
 * `partETags` are plain MD5 ETags, in the order of the parts.
 */
export function etagOfParts(partETags: readonly ETag[]): ETag {
  const hash = createHash('md5');
  for (const etag of partETags) hash.update(etag, 'hex');
  return `${hash.digest('hex')}-${partETags.length}` as ETag;
}
