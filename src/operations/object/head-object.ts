import { defineOperation } from '../operation.ts';
import { reply } from '../reply.ts';
import { parseRead, READ_PARAMETERS, type ReadInput } from './read-request.ts';
import {
  countTags,
  findObject,
  foundHeaders,
  isNotModified,
  notModifiedHeaders,
  type ReadResult,
  requireOverridesAllowed,
  selectBytes,
} from './read-version.ts';

/**
 * HeadObject: what GetObject would say of a version, without its bytes.
 *
 * Errors: as GetObject, without a document.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
 */
export const headObject = defineOperation({
  name: 'HeadObject',
  scope: 'object',
  action: 's3:GetObject',
  versionAction: 's3:GetObjectVersion',
  decidedBy: 'object',
  parameters: READ_PARAMETERS,
  parse: parseRead,

  async run(context, input: ReadInput): Promise<ReadResult<undefined>> {
    const { bucket, identity } = context;
    requireOverridesAllowed(identity, input);
    const version = await findObject(context, input);
    if (isNotModified(version, input)) return { kind: 'not-modified', bucket, version };
    const selection = await selectBytes(context, version, input.extent);
    return {
      kind: 'found',
      bucket,
      version,
      selection,
      input,
      tagsCount: countTags(context, version),
      body: undefined,
    };
  },

  render(result) {
    if (result.kind === 'not-modified') return reply(304, notModifiedHeaders(result.bucket, result.version));
    const { selection } = result;
    const body = { kind: 'head', sizeBytes: selection.range.lengthBytes } as const;
    return reply(selection.kind === 'whole' ? 200 : 206, foundHeaders(result), body);
  },
});
