import type { Bucket } from '../../domain/bucket.ts';
import type { ManifestPart, StoredObject } from '../../domain/object-version.ts';
import { PART_NUMBER_MAX } from '../../domain/upload.ts';
import { element, textElement, type Xml, xmlDocument } from '../../xml/build.ts';
import { httpDate, versionIdHeader } from '../headers/object-headers.ts';
import { integerHeader, invalidArgument, versionIdOf } from '../headers/parameters.ts';
import { checksumElement } from '../multipart/upload-checksum.ts';
import { type ContextOf, defineOperation, type RequestOf } from '../operation.ts';
import { xmlReply } from '../reply.ts';
import { findObject } from './read-version.ts';

const ATTRIBUTES = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as const;
const HEADER = 'x-amz-object-attributes';
/** Parts of one answer. */
const PARTS_MAX = 1_000;
/** Largest `x-amz-max-parts`; more than `PARTS_MAX` means that. */
const INT32_MAX = 2 ** 31 - 1;

type Attribute = (typeof ATTRIBUTES)[number];

/** Which parts are listed. */
interface PartRange {
  readonly partsMax: number;
  /** After this part number. */
  readonly marker: number;
}

interface PartsPage extends PartRange {
  readonly parts: readonly ManifestPart[];
  readonly isTruncated: boolean;
  /** Of the whole object. */
  readonly partsCount: number;
}

interface Attributes {
  readonly bucket: Bucket;
  readonly version: StoredObject;
  readonly asked: ReadonlySet<Attribute>;
  readonly page: PartsPage | undefined;
}

/**
 * GetObjectAttributes: the attributes of a version that `x-amz-object-attributes` names, the parts of a completed upload
 * among them, a page at a time.
 *
 * Errors: InvalidArgument 400 · NoSuchKey, NoSuchVersion 404 · MethodNotAllowed (a delete marker) 405.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
 */
export const getObjectAttributes = defineOperation({
  name: 'GetObjectAttributes',
  scope: 'object',
  action: 's3:GetObjectAttributes',
  versionAction: 's3:GetObjectVersionAttributes',
  decidedBy: 'object',
  parameters: ['MaxParts', 'ObjectAttributes', 'PartNumberMarker', 'VersionId'],

  parse: (request) => ({
    method: request.method,
    key: request.key,
    versionId: versionIdOf(request),
    asked: askedAttributes(request),
    range: {
      partsMax: Math.min(integerHeader(request, 'x-amz-max-parts', { min: 0, max: INT32_MAX }) ?? PARTS_MAX, PARTS_MAX),
      marker: integerHeader(request, 'x-amz-part-number-marker', { min: 0, max: PART_NUMBER_MAX }) ?? 0,
    },
  }),

  async run(context, { asked, range, ...target }): Promise<Attributes> {
    const { bucket } = context;
    const version = await findObject(context, target);
    const page = asked.has('ObjectParts') ? await readParts(context, version, range) : undefined;
    return { bucket, version, asked, page };
  },

  render({ bucket, version, asked, page }) {
    const { etag, checksum, storageClass, sizeBytes } = version;
    const children: Xml[] = [];
    if (asked.has('ETag')) children.push(textElement('ETag', etag));
    if (asked.has('Checksum') && checksum !== undefined) {
      const type = textElement('ChecksumType', checksum.type);
      children.push(element('Checksum', [checksumElement(checksum), type]));
    }
    if (page !== undefined) children.push(partsElement(page));
    if (asked.has('StorageClass')) children.push(textElement('StorageClass', storageClass));
    if (asked.has('ObjectSize')) children.push(textElement('ObjectSize', sizeBytes));
    return xmlReply(xmlDocument('GetObjectAttributesResponse', children), {
      'Last-Modified': httpDate(version.lastModifiedMs),
      ...versionIdHeader(bucket, version.versionId),
    });
  },
});

/** The attributes of every `x-amz-object-attributes` header, which may be repeated. Throws InvalidArgument. */
function askedAttributes(request: RequestOf<'object'>): ReadonlySet<Attribute> {
  const asked = new Set<Attribute>();
  const value = request.headers.get(HEADER) ?? '';
  for (const text of value.split(',')) {
    const attribute = ATTRIBUTES.find((candidate) => candidate === text.trim());
    if (attribute === undefined) throw invalidArgument(HEADER, value, 'Invalid attribute name specified.');
    asked.add(attribute);
  }
  return asked;
}

/** A page of parts; `undefined` for an object that was not uploaded in parts. */
async function readParts(
  { region, signal }: ContextOf<'object'>,
  { body }: StoredObject,
  range: PartRange,
): Promise<PartsPage | undefined> {
  if (body.kind !== 'manifest') return undefined;
  const { partsMax, marker } = range;
  const from = { partNumber: marker + 1 };
  const found = await region.meta.readManifest(body.manifestId, from, partsMax + 1, { signal });
  const parts = found.slice(0, partsMax);
  return { ...range, parts, isTruncated: found.length > partsMax, partsCount: body.partsCount };
}

function partsElement({ parts, isTruncated, partsCount, partsMax, marker }: PartsPage): Xml {
  return element('ObjectParts', [
    textElement('PartsCount', partsCount),
    textElement('PartNumberMarker', marker),
    textElement('NextPartNumberMarker', parts.at(-1)?.partNumber ?? marker),
    textElement('MaxParts', partsMax),
    textElement('IsTruncated', isTruncated),
    ...parts.map(({ partNumber, sizeBytes, checksum }) =>
      element('Part', [
        textElement('PartNumber', partNumber),
        textElement('Size', sizeBytes),
        checksumElement(checksum),
      ]),
    ),
  ]);
}
