/** What an operation answers. Dispatch adds `x-amz-request-id`, `Date` and `Content-Length`. */
export interface Reply {
  readonly status: number;
  readonly headers: readonly ReplyHeader[];
  readonly body: ReplyBody;
}

/** A value holds bytes, one character each; text that may not be ASCII goes through `headerBytes`. */
export type ReplyHeader = readonly [name: string, value: string];

export type ReplyBody =
  | { readonly kind: 'none' }
  /** Sent as `application/xml`. */
  | { readonly kind: 'xml'; readonly text: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** Exactly `sizeBytes` bytes; where the stream fails or falls short the connection is cut. */
  | { readonly kind: 'stream'; readonly sizeBytes: number; readonly stream: AsyncIterable<Uint8Array> }
  /** The answer to HEAD: the length of a body that is not sent. */
  | { readonly kind: 'head'; readonly sizeBytes: number };

/** Headers whose value is `undefined` are left out. */
export type HeaderFields = Readonly<Record<string, string | number | undefined>>;

export function reply(status: number, headers: HeaderFields = {}, body: ReplyBody = { kind: 'none' }): Reply {
  return { status, headers: replyHeaders(headers), body };
}

/** `text` is a whole document, as `xml/build.ts` makes it. */
export function xmlReply(text: string, headers: HeaderFields = {}): Reply {
  return reply(200, headers, { kind: 'xml', text });
}

export function replyHeaders(fields: HeaderFields): ReplyHeader[] {
  const headers: ReplyHeader[] = [];
  // Its own only: what another library adds to all objects is no header.
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    if (value !== undefined) headers.push([name, String(value)]);
  }
  return headers;
}
