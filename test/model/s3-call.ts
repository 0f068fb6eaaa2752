import type { Xml } from './s3-xml.ts';

/** Who sends a request: two tenants, and somebody who does not sign. */
export type Caller = 'alice' | 'bob' | 'nobody';

/** One request of S3. Ids that the server makes stand in it as labels, such as `‹version 3›`. */
export interface S3Request {
  readonly caller?: Caller;
  readonly method: string;
  readonly bucket?: string;
  readonly key?: string;
  readonly query?: readonly (readonly [name: string, value: string])[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Sends `Content-MD5`. */
  readonly hasDigest?: boolean;
}

/** What must come back. Of headers all are told, but for those that say nothing of S3's state. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array | Xml | undefined;
}

/** A request, and what the model has to say of it: `answer` changes the model, or throws `Refused` and changes nothing. */
export interface S3Call {
  readonly request: S3Request;
  answer(): Answer;
}

const STATUSES = {
  AccessControlListNotSupported: 400,
  AccessDenied: 403,
  BucketAlreadyExists: 409,
  BucketAlreadyOwnedByYou: 409,
  BadDigest: 400,
  BucketNotEmpty: 409,
  EntityTooSmall: 400,
  IllegalVersioningConfigurationException: 400,
  InvalidArgument: 400,
  InvalidBucketAclWithObjectOwnership: 400,
  InvalidPart: 400,
  InvalidPartNumber: 416,
  InvalidPartOrder: 400,
  InvalidRange: 416,
  InvalidRequest: 400,
  InvalidTag: 400,
  MalformedPolicy: 400,
  MalformedXML: 400,
  MethodNotAllowed: 405,
  NoSuchBucket: 404,
  NoSuchBucketPolicy: 404,
  NoSuchCORSConfiguration: 404,
  NoSuchKey: 404,
  NoSuchPublicAccessBlockConfiguration: 404,
  NoSuchTagSet: 404,
  NoSuchUpload: 404,
  NoSuchVersion: 404,
  OwnershipControlsNotFoundError: 404,
  PreconditionFailed: 412,
} as const;

export type ErrorCode = keyof typeof STATUSES;

/** The request is refused, with this code. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly code: ErrorCode;
  readonly headers: Answer['headers'];

  constructor(code: ErrorCode, headers: Answer['headers'] = {}) {
    super(code);
    this.code = code;
    this.headers = headers;
  }
}

export function succeed(status: number, headers: Answer['headers'] = {}, body?: Answer['body']): Answer {
  return { status, headers, body };
}

/** What the model says of `call`; a refusal is an answer too, of which no more than the code is told. */
export function answerOf(call: S3Call): Answer {
  try {
    return call.answer();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { code, headers } = error;
    const body = call.request.method === 'HEAD' ? undefined : (['Error', [['Code', code]]] as const);
    return { status: STATUSES[code], headers, body };
  }
}

/** A request as it is read in a counterexample. */
export function describeRequest({ caller = 'alice', method, bucket, key, query = [], headers = {}, body }: S3Request) {
  const path = [bucket, key].filter((piece) => piece !== undefined).join('/');
  const search = query.map(([name, value]) => (value === '' ? name : `${name}=${shown(value)}`)).join('&');
  const said = Object.entries(headers).map(([name, value]) => ` ${name}: ${shown(value)}`);
  const sent = body === undefined ? '' : ` ${typeof body === 'string' ? shown(body) : `(${body.length} bytes)`}`;
  return `${caller}: ${method} /${shown(path)}${search === '' ? '' : `?${search}`}${said.join(',')}${sent}`;
}

function shown(text: string): string {
  const visible = JSON.stringify(text).slice(1, -1);
  return visible.length > 300 ? `${visible.slice(0, 300)}… (${text.length} characters)` : visible;
}
