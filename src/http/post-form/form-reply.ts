import type { Reply, ReplyHeader } from '../../operations/reply.ts';
import { plainXmlDocument, textElement } from '../../xml/build.ts';
import type { FormSuccess } from './form-upload.ts';

/** The object that a form has stored. */
export interface FormObject {
  readonly bucket: string;
  readonly key: string;
  /** Its URL. */
  readonly location: string;
  /** What PutObject says of it: ETag, version, checksum. */
  readonly headers: readonly ReplyHeader[];
}

/**
 * What the browser sees: nothing, a document or another page.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html#RESTObjectPOST-responses
 */
export function formReply(success: FormSuccess, { bucket, key, location, headers }: FormObject): Reply {
  const etag = headers.find(([name]) => name === 'ETag')?.[1] ?? '';
  if (success.kind === 'redirect') {
    const url = new URL(success.url);
    for (const [name, value] of Object.entries({ bucket, key, etag })) url.searchParams.append(name, value);
    return { status: 303, headers: [['Location', url.href], ...headers], body: { kind: 'none' } };
  }
  const { status } = success;
  const all: readonly ReplyHeader[] = [['Location', location], ...headers];
  if (status !== 201) return { status, headers: all, body: { kind: 'none' } };
  const text = plainXmlDocument('PostResponse', [
    textElement('Location', location),
    textElement('Bucket', bucket),
    textElement('Key', key),
    textElement('ETag', etag),
  ]);
  return { status, headers: all, body: { kind: 'xml', text } };
}
