const RESERVED_LEFT_BY_URI_ENCODING = /[!'()*]/g;
const RAW_BYTES = /[\u0080-\u00ff]/g;
const NEEDS_DECODING = /[%\u0080-\u00ff]/;

/**
 * Percent-decodes once, strictly; `undefined` for a broken escape or for bytes that are not UTF-8. `text` holds one
 * character a byte, as a request target comes; a plus is a plus.
 */
export function percentDecode(text: string): string | undefined {
  if (!NEEDS_DECODING.test(text)) return text;
  try {
    return decodeURIComponent(text.replace(RAW_BYTES, escapeOf));
  } catch {
    return undefined;
  }
}

/**
 * Percent-encodes all but the unreserved characters, as SigV4 has it. `text` must be well-formed.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(RESERVED_LEFT_BY_URI_ENCODING, escapeOf);
}

function escapeOf(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
