import { S3Error } from '../../domain/s3-error.ts';
import { OBJECT_TAGS_MAX } from '../../domain/tags.ts';
import { headerBytes } from '../../operations/headers/header-text.ts';
import type { RequestBody } from '../../operations/request.ts';
import { parseTagging } from '../../operations/tags.ts';
import { malformedXml } from '../../operations/xml-body.ts';
import { parseXml, XmlError } from '../../xml/parse.ts';
import { FORM_SIGNATURE_FIELDS } from '../auth/form-claim.ts';
import { RequestHeaders } from '../parameters.ts';
import { FIELDS_BYTES_MAX, fieldsTooLarge, type PostForm } from './form-reader.ts';
import { checkPostPolicy, type SizeRange } from './post-policy.ts';

/** What a form asks for, in the words of PutObject. */
export interface FormUpload {
  readonly key: string;
  readonly headers: RequestHeaders;
  readonly body: RequestBody;
  readonly success: FormSuccess;
}

/** What the browser is to see when the object is stored. */
export type FormSuccess =
  | { readonly kind: 'status'; readonly status: 200 | 201 | 204 }
  | { readonly kind: 'redirect'; readonly url: URL };

export interface FormCheck {
  readonly bucket: string;
  /** The signed policy; `undefined`: the form is anonymous and may say anything. */
  readonly policy: string | undefined;
  readonly nowMs: number;
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: what a form says in place of the name of its file.
const FILENAME = '${filename}';
const STATUSES = [200, 201, 204] as const;
/** Fields that are headers of PutObject under the same name, beside `x-amz-*`. */
const HEADER_FIELDS: ReadonlySet<string> = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-md5',
  'content-type',
  'expires',
  'if-match',
  'if-none-match',
]);

/**
 * Holds a form against its policy, and puts it into the words of PutObject.
 *
 * Errors: those of `checkPostPolicy` and of a `tagging` document; InvalidArgument (no key) 400. While the body is read:
 *   EntityTooLarge, EntityTooSmall 400.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
 */
export function readFormUpload(form: PostForm, { bucket, policy, nowMs }: FormCheck): FormUpload {
  const fields = withFilename(form);
  const range = policy === undefined ? undefined : checkPostPolicy(policy, { bucket, fields, nowMs });
  const key = fields.get('key') ?? '';
  if (key === '') {
    throw new S3Error('InvalidArgument', {
      message:
        "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
      elements: { ArgumentName: 'key', ArgumentValue: '' },
    });
  }
  return { key, headers: headersOf(fields), body: new FormBody(form.file, range), success: successOf(fields) };
}

/** The fields with the name of the file in them, which is text like any other, and may not make them grow past their limit. */
function withFilename({ fields, filename }: PostForm): ReadonlyMap<string, string> {
  const replaced = new Map<string, string>();
  let fieldsBytes = 0;
  for (const [name, value] of fields) {
    const parts = FORM_SIGNATURE_FIELDS.has(name) ? [value] : value.split(FILENAME);
    fieldsBytes += Buffer.byteLength(name) + Buffer.byteLength(value);
    fieldsBytes += (parts.length - 1) * Buffer.byteLength(filename);
    if (fieldsBytes > FIELDS_BYTES_MAX) throw fieldsTooLarge();
    replaced.set(name, parts.join(filename));
  }
  return replaced;
}

function headersOf(fields: ReadonlyMap<string, string>): RequestHeaders {
  const raw: string[] = [];
  for (const [name, value] of fields) {
    if (name === 'acl') raw.push('x-amz-acl', headerBytes(value));
    else if (name === 'tagging') raw.push('x-amz-tagging', taggingHeader(value));
    else if (HEADER_FIELDS.has(name) || (name.startsWith('x-amz-') && !FORM_SIGNATURE_FIELDS.has(name))) {
      raw.push(name, headerBytes(value));
    }
  }
  return new RequestHeaders(raw);
}

/** The tags of a `Tagging` document as the header has them. */
function taggingHeader(document: string): string {
  try {
    const tags = parseTagging(parseXml(Buffer.from(document)), OBJECT_TAGS_MAX);
    return tags.map((tag) => tag.map(encodeURIComponent).join('=')).join('&');
  } catch (error) {
    throw error instanceof XmlError ? malformedXml(error.message) : error;
  }
}

/** As S3 has it, a status or a URL that is none counts as if it were not there. */
function successOf(fields: ReadonlyMap<string, string>): FormSuccess {
  const redirect = fields.get('success_action_redirect') ?? fields.get('redirect') ?? '';
  if (URL.canParse(redirect)) {
    const url = new URL(redirect);
    if (url.protocol === 'http:' || url.protocol === 'https:') return { kind: 'redirect', url };
  }
  const text = fields.get('success_action_status');
  return { kind: 'status', status: STATUSES.find((status) => String(status) === text) ?? 204 };
}

/** The file of a form, refused as soon as it is too long, and at its end where it is too short. */
class FormBody implements RequestBody {
  readonly declaredBytes = undefined;
  readonly trailers: ReadonlyMap<string, string> = new Map();
  readonly announcedTrailers: readonly string[] = [];
  readonly isDelimited = true;
  readonly #file: AsyncIterable<Uint8Array>;
  readonly #range: SizeRange | undefined;

  constructor(file: AsyncIterable<Uint8Array>, range: SizeRange | undefined) {
    this.#file = file;
    this.#range = range;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const { min = 0, max = Number.MAX_SAFE_INTEGER } = this.#range ?? {};
    let sizeBytes = 0;
    for await (const piece of this.#file) {
      sizeBytes += piece.length;
      if (sizeBytes > max) {
        throw new S3Error('EntityTooLarge', { elements: { ProposedSize: sizeBytes, MaxSizeAllowed: max } });
      }
      yield piece;
    }
    if (sizeBytes < min) {
      throw new S3Error('EntityTooSmall', { elements: { ProposedSize: sizeBytes, MinSizeAllowed: min } });
    }
  }
}
