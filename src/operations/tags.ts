import type { Tag } from '../domain/bucket.ts';
import type { ObjectKey } from '../domain/names.ts';
import { S3Error } from '../domain/s3-error.ts';
import { OBJECT_TAGS_MAX, requireTags } from '../domain/tags.ts';
import { element, textElement, xmlDocument } from '../xml/build.ts';
import type { XmlElement } from '../xml/parse.ts';
import type { BodyDigests } from './body-digests.ts';
import type { ContextOf } from './operation.ts';
import type { HeaderMap, RequestBody } from './request.ts';
import { fieldsOf, readXmlBody } from './xml-body.ts';

const HEADER = 'x-amz-tagging';
const BODY_BYTES_MAX = 256 * 1024;

/**
 * The tags in `x-amz-tagging`, such as `project=a&done`; `undefined` without the header.
 * Errors: InvalidArgument, InvalidTag 400.
 */
export function taggingHeader(headers: HeaderMap): readonly Tag[] | undefined {
  const text = headers.get(HEADER);
  if (text === undefined) return undefined;
  const pairs = text === '' ? [] : text.split('&');
  return requireTags(
    pairs.map((pair): Tag => {
      const [key = '', ...value] = pair.split('=');
      return [decode(key, text), decode(value.join('='), text)];
    }),
    OBJECT_TAGS_MAX,
  );
}

/** Errors: AccessDenied 403 where there are tags and the caller may not write any. */
export function requireTaggable(context: ContextOf<'object'>, key: ObjectKey, tags: readonly Tag[] | undefined): void {
  if (tags === undefined || tags.length === 0 || !context.isForbidden('s3:PutObjectTagging', key, tags)) return;
  throw new S3Error('AccessDenied', { message: 'Writing an object with tags needs s3:PutObjectTagging too.' });
}

/** The tags in the body of a request. Errors: InvalidTag, and those of an XML body. */
export async function readTagging(
  body: RequestBody,
  { digests, tagsMax }: { readonly digests: BodyDigests; readonly tagsMax: number },
): Promise<readonly Tag[]> {
  return parseTagging(await readXmlBody(body, { root: 'Tagging', bytesMax: BODY_BYTES_MAX, digests }), tagsMax);
}

/** The tags in a `Tagging` element, by key. Errors: InvalidTag, MalformedXML 400. */
export function parseTagging(tagging: XmlElement, tagsMax: number): readonly Tag[] {
  const set = fieldsOf(tagging, { single: ['TagSet'] }).child('TagSet');
  const tags = set === undefined ? [] : fieldsOf(set, { single: [], repeated: ['Tag'] }).children('Tag');
  return requireTags(
    tags.map((tag): Tag => {
      const fields = fieldsOf(tag, { single: ['Key', 'Value'] });
      return [fields.requiredText('Key'), fields.requiredText('Value')];
    }),
    tagsMax,
  );
}

export function taggingDocument(tags: readonly Tag[]): string {
  const set = tags.map(([key, value]) => element('Tag', [textElement('Key', key), textElement('Value', value)]));
  return xmlDocument('Tagging', [element('TagSet', set)]);
}

function decode(text: string, header: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    throw new S3Error('InvalidArgument', {
      message: `The header '${HEADER}' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.`,
      elements: { ArgumentName: HEADER, ArgumentValue: header },
      cause,
    });
  }
}
