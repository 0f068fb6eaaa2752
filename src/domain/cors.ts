/**
 * One rule of a bucket's CORS configuration.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CORSRule.html
 */
export interface CorsRule {
  readonly id?: string | undefined;
  /** Each may hold one `*`. */
  readonly allowedOrigins: readonly string[];
  /** `GET`, `PUT`, `HEAD`, `POST`, `DELETE`. */
  readonly allowedMethods: readonly string[];
  /** Each may hold one `*`. */
  readonly allowedHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeSeconds?: number | undefined;
}

/** The name of a header. Source: https://www.rfc-editor.org/rfc/rfc9110#name-tokens */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What can stand in an `Origin` header. */
const ORIGIN = /^[\x21-\x7e]+$/;

/** Whether `text` may stand in a header that names headers; nothing that it holds can begin another one. */
export function isHeaderName(text: string): boolean {
  return TOKEN.test(text);
}

/** Whether a browser can send an origin that is `text`, of which one `*` stands for anything. */
export function isOriginPattern(text: string): boolean {
  return hasOneStarAtMost(text) && ORIGIN.test(text);
}

/** Whether `text` is the name of a header, of which one `*` stands for anything. */
export function isHeaderPattern(text: string): boolean {
  return hasOneStarAtMost(text) && isHeaderName(text);
}

export function hasOneStarAtMost(text: string): boolean {
  return text.split('*').length <= 2;
}
