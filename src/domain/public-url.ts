/** Each costs a check or two wherever a signature does not match. */
export const PUBLIC_URLS_MAX = 16;
const HOST = /^(?:[a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;
const TRAILING_SLASHES = /\/+$/;

/** A URL under which clients reach the server, though it may not look so from there. */
export interface PublicUrl {
  readonly scheme: 'http' | 'https';
  /** In lower case, with its port unless that is the scheme's own. */
  readonly host: string;
  /** The path that a proxy takes away before the server sees it, such as `/storage`; empty for none. */
  readonly pathPrefix: string;
}

/** Reads a URL such as `https://example.com/storage`; `undefined` for what is none, or has more to it. */
export function parsePublicUrl(text: string): PublicUrl | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !HOST.test(url.host)) return undefined;
  if (url.username + url.password + url.search + url.hash !== '') return undefined;
  const scheme = url.protocol === 'https:' ? 'https' : url.protocol === 'http:' ? 'http' : undefined;
  if (scheme === undefined) return undefined;
  return { scheme, host: url.host, pathPrefix: url.pathname.replace(TRAILING_SLASHES, '') };
}
