import { S3Error } from '../domain/s3-error.ts';
import { type Reply, reply } from '../operations/reply.ts';
import { StoreError } from '../stores/store.ts';
import { plainXmlDocument, textElement } from '../xml/build.ts';

/** What an error document says of the request it answers. */
export interface FailedRequest {
  readonly method: string;
  readonly resource: string;
  readonly requestId: string;
  readonly hostId: string;
}

/**
 * The answer to a request that failed.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#RESTErrorResponses
 */
export function errorReply(error: S3Error, request: FailedRequest): Reply {
  const { status, headers } = reply(error.status, Object.fromEntries(error.headers));
  if (request.method === 'HEAD' || status === 304) return { status, headers, body: { kind: 'none' } };
  return { status, headers, body: { kind: 'xml', text: errorDocument(error, request) } };
}

export function errorDocument(error: S3Error, request: Omit<FailedRequest, 'method'>): string {
  return plainXmlDocument('Error', [
    textElement('Code', error.code),
    textElement('Message', error.message),
    ...Object.entries(error.elements).map(([name, value]) => textElement(name, value)),
    textElement('Resource', request.resource),
    textElement('RequestId', request.requestId),
    textElement('HostId', request.hostId),
  ]);
}

/** What the client hears of an error of any kind. What it need not know stays in the log. */
export function toS3Error(error: unknown): S3Error {
  if (error instanceof S3Error) return error;
  if (!(error instanceof StoreError)) return new S3Error('InternalError', { cause: error });
  const { kind } = error;
  switch (kind) {
    case 'unavailable':
      return new S3Error('SlowDown', {
        message: 'The store cannot answer now; nothing was written. Try again.',
        cause: error,
      });
    case 'storage-full':
      return new S3Error('InsufficientStorage', { cause: error });
    case 'in-doubt':
      return new S3Error('InternalError', {
        message:
          'The outcome of this request is unknown: it may or may not have been carried out. Look before you repeat it.',
        cause: error,
      });
    case 'corrupt':
      return new S3Error('InternalError', {
        message: 'What is stored does not match its checksum and is not passed on.',
        cause: error,
      });
  }
}
