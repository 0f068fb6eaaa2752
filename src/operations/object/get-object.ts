import type { StoredObject } from '../../domain/object-version.ts';
import type { ByteRange } from '../../stores/blobstore.ts';
import { defineOperation } from '../operation.ts';
import { type OpenedVersion, openVersion, sliceInline } from '../read-object.ts';
import { type ReplyBody, reply } from '../reply.ts';
import { parseRead, READ_PARAMETERS, type ReadInput } from './read-request.ts';
import {
  countTags,
  foundHeaders,
  isNotModified,
  notModifiedHeaders,
  type ReadResult,
  requireObject,
  requireOverridesAllowed,
  selectBytes,
} from './read-version.ts';

/**
 * GetObject: sends one immutable version, or a range or part of it, to its end, whatever is written meanwhile.
 *
 * Conditions are checked before ranges, both in the order of RFC 9110. Small bodies are sent at once; others stream
 * under a read pin, which the stream holds.
 * Errors: InvalidArgument, InvalidRequest 400 · NoSuchKey, NoSuchVersion 404 · MethodNotAllowed (a delete marker) 405 ·
 * PreconditionFailed 412 · InvalidRange, InvalidPartNumber 416. 304 where the client has the version already.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 */
export const getObject = defineOperation({
  name: 'GetObject',
  scope: 'object',
  action: 's3:GetObject',
  versionAction: 's3:GetObjectVersion',
  decidedBy: 'object',
  parameters: READ_PARAMETERS,
  parse: parseRead,

  async run(context, input: ReadInput): Promise<ReadResult<ReplyBody>> {
    const { bucket, identity } = context;
    const { key, versionId } = input;
    requireOverridesAllowed(identity, input);
    using opened = await openVersion(context, { bucketId: bucket.id, key, versionId });
    context.requireAccess(opened.version);
    const version = requireObject(bucket, opened.version, input);
    if (isNotModified(version, input)) return { kind: 'not-modified', bucket, version };
    const selection = await selectBytes(context, version, input.extent);
    const body = bodyOf(opened, version, selection.range);
    return { kind: 'found', bucket, version, selection, input, tagsCount: countTags(context, version), body };
  },

  render(result) {
    if (result.kind === 'not-modified') return reply(304, notModifiedHeaders(result.bucket, result.version));
    return reply(result.selection.kind === 'whole' ? 200 : 206, foundHeaders(result), result.body);
  },
});

function bodyOf(opened: OpenedVersion, version: StoredObject, range: ByteRange): ReplyBody {
  if (version.body.kind === 'inline') return { kind: 'bytes', bytes: sliceInline(version.body.bytes, range) };
  return { kind: 'stream', sizeBytes: range.lengthBytes, stream: opened.stream(version, range) };
}
