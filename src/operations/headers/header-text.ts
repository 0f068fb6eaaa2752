const NON_ASCII = /[\u0080-\uffff]/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text as the bytes of a header value: UTF-8, one character a byte. */
export function headerBytes(text: string): string {
  return NON_ASCII.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

/** The bytes of a header value, one character each, as text: UTF-8 where they are that, Latin-1 otherwise. */
export function headerText(bytes: string): string {
  if (!NON_ASCII.test(bytes)) return bytes;
  try {
    return utf8.decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return bytes;
  }
}
