import type { Bucket } from '../../domain/bucket.ts';
import type { WriteCondition } from '../../domain/condition.ts';
import { OBJECT_KEY_BYTES_MAX, parseObjectKey } from '../../domain/names.ts';
import { S3Error } from '../../domain/s3-error.ts';
import { element, textElement, type Xml, xmlDocument } from '../../xml/build.ts';
import type { XmlElement } from '../../xml/parse.ts';
import { parseBodyDigests } from '../body-digests.ts';
import { parseETagMatch, requireTimestampSeconds } from '../headers/conditions.ts';
import { requireVersionId } from '../headers/parameters.ts';
import { type ContextOf, defineOperation } from '../operation.ts';
import { xmlReply } from '../reply.ts';
import type { S3Request } from '../request.ts';
import { fieldsOf, malformedXml, readXmlBody } from '../xml-body.ts';
import { type Deleted, deleteTarget } from './delete-version.ts';

/** Objects that one request may name. */
const OBJECTS_MAX = 1_000;
/** Longest body, in bytes: 1,000 of the longest keys, with every byte escaped as `&amp;`, fit barely. */
const BODY_BYTES_MAX = 6 * 1024 ** 2;
/** Deletes that run at once: enough for a store that commits many in one step. */
const PARALLEL_MAX = 64;

/** One object of the request, as it stands there. */
interface NamedObject {
  readonly key: string;
  readonly versionId: string | undefined;
  readonly etag: string | undefined;
  readonly lastModifiedTime: string | undefined;
  readonly sizeBytes: number | undefined;
}

interface DeleteList {
  readonly objects: readonly NamedObject[];
  /** Only errors are answered. */
  readonly quiet: boolean;
}

type ObjectResult =
  | { readonly kind: 'deleted'; readonly object: NamedObject; readonly deleted: Deleted }
  | { readonly kind: 'error'; readonly object: NamedObject; readonly error: S3Error };

/**
 * DeleteObjects: up to 1,000 deletes in one request, each as DeleteObject and with an answer of its own, in the order
 * of the request. Several of the same key are no error.
 *
 * Errors of the whole request: MalformedXML, InvalidRequest (no digest of the body), BadDigest 400 · NoSuchBucket 404.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
 */
export const deleteObjects = defineOperation({
  name: 'DeleteObjects',
  scope: 'bucket',
  action: 's3:DeleteObject',
  decidedBy: 'each-key',
  parameters: ['Delete', 'ChecksumAlgorithm'],

  parse: (request) => ({ body: request.body, digests: requireBodyDigests(request) }),

  async run(context, { body, digests }) {
    const root = await readXmlBody(body, { root: 'Delete', bytesMax: BODY_BYTES_MAX, digests });
    const { objects, quiet } = readDeleteList(root);
    const bucket = await context.refresh();
    const results = await deleteAll(context, bucket, objects);
    return { results, quiet };
  },

  render({ results, quiet }) {
    const children: Xml[] = [];
    for (const result of results) {
      if (result.kind === 'error') children.push(errorElement(result.object, result.error));
      else if (!quiet) children.push(deletedElement(result.object, result.deleted));
    }
    return xmlReply(xmlDocument('DeleteResult', children));
  },
});

function requireBodyDigests(request: S3Request) {
  const digests = parseBodyDigests(request);
  if (digests.contentMd5 !== undefined || digests.checksum !== undefined) return digests;
  throw new S3Error('InvalidRequest', {
    message: 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
  });
}

function readDeleteList(root: XmlElement): DeleteList {
  const fields = fieldsOf(root, { single: ['Quiet'], repeated: ['Object'] });
  const elements = fields.children('Object');
  if (elements.length === 0 || elements.length > OBJECTS_MAX) {
    throw malformedXml(`A request names 1 to ${OBJECTS_MAX} objects, not ${elements.length}.`);
  }
  return { objects: elements.map(readObject), quiet: fields.boolean('Quiet') ?? false };
}

function readObject(object: XmlElement): NamedObject {
  const fields = fieldsOf(object, { single: ['Key', 'VersionId', 'ETag', 'LastModifiedTime', 'Size'] });
  return {
    key: fields.requiredText('Key'),
    versionId: fields.text('VersionId') || undefined,
    etag: fields.text('ETag'),
    lastModifiedTime: fields.text('LastModifiedTime'),
    sizeBytes: fields.integer('Size'),
  };
}

async function deleteAll(
  context: ContextOf<'bucket'>,
  bucket: Bucket,
  objects: readonly NamedObject[],
): Promise<readonly ObjectResult[]> {
  const results: ObjectResult[] = [];
  const pending = objects.entries();
  const work = async () => {
    for (const [index, object] of pending) {
      results[index] = await deleteOne(context, bucket, object);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL_MAX, objects.length) }, work));
  return results;
}

/** An error about one object is its answer; one about the bucket or the stores fails the request, to be repeated. */
async function deleteOne(context: ContextOf<'bucket'>, bucket: Bucket, object: NamedObject): Promise<ObjectResult> {
  try {
    const key = requireKey(object.key);
    const action = object.versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion';
    if (!context.isAllowed(action, key, object.versionId)) throw new S3Error('AccessDenied');
    const target = {
      key,
      versionId: object.versionId === undefined ? undefined : requireVersionId(object.versionId),
      condition: conditionOf(object),
    };
    return { kind: 'deleted', object, deleted: await deleteTarget(context, bucket, target) };
  } catch (error) {
    if (error instanceof S3Error && error.code !== 'NoSuchBucket') return { kind: 'error', object, error };
    throw error;
  }
}

function requireKey(text: string) {
  const key = parseObjectKey(text);
  if (key !== undefined) return key;
  throw new S3Error('KeyTooLongError', { message: `A key has 1 to ${OBJECT_KEY_BYTES_MAX} bytes of UTF-8.` });
}

function conditionOf({ etag, lastModifiedTime, sizeBytes }: NamedObject): WriteCondition {
  return {
    ...(etag !== undefined && { ifMatch: parseETagMatch('ETag', etag, 'strong') }),
    ...(sizeBytes !== undefined && { ifMatchSizeBytes: sizeBytes }),
    ...(lastModifiedTime !== undefined && {
      ifMatchLastModifiedSeconds: requireTimestampSeconds('LastModifiedTime', lastModifiedTime),
    }),
  };
}

function deletedElement({ key }: NamedObject, { versionId, markerVersionId }: Deleted): Xml {
  return element('Deleted', [
    textElement('Key', key),
    textElement('VersionId', versionId),
    textElement('DeleteMarker', markerVersionId === undefined ? undefined : true),
    textElement('DeleteMarkerVersionId', markerVersionId),
  ]);
}

function errorElement({ key, versionId }: NamedObject, { code, message }: S3Error): Xml {
  return element('Error', [
    textElement('Key', key),
    textElement('VersionId', versionId),
    textElement('Code', code),
    textElement('Message', message),
  ]);
}
