import { isIP } from 'node:net';
import { PUBLIC_URLS_MAX, type PublicUrl, parsePublicUrl } from '../domain/public-url.ts';

/** Reads URLs such as `https://example.com/storage`. Throws TypeError for what is none. */
export function parsePublicUrls(texts: readonly string[]): readonly PublicUrl[] {
  if (texts.length > PUBLIC_URLS_MAX) throw new TypeError(`There are more than ${PUBLIC_URLS_MAX} public URLs.`);
  return texts.map((text) => {
    const url = parsePublicUrl(text);
    if (url === undefined) throw new TypeError(`${JSON.stringify(text)} is not a URL such as https://s3.example.com.`);
    return url;
  });
}

/** Names under which `<bucket>.<name>` is a bucket, because a public URL says that the server has that name. */
export function virtualHostNames(urls: readonly PublicUrl[]): readonly string[] {
  return urls
    .filter(({ pathPrefix }) => pathPrefix === '')
    .map(({ host }) => host.replace(/:\d+$/, ''))
    .filter((name) => isIP(name) === 0 && !name.startsWith('['));
}
