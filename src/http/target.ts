import { S3Error } from '../domain/s3-error.ts';
import { HOST } from './forwarded.ts';
import { type QueryPair, QueryParameters } from './parameters.ts';
import { percentDecode } from './percent.ts';

const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)(.*)$/i;
/** The ports that need not be said. */
const DEFAULT_PORT = /:(?:80|443)$/;
const PORT = /:\d{1,5}$/;

/** What a request is about: names that are not checked yet. */
export type NamedTarget = Pick<RequestTarget, 'bucket' | 'key' | 'query'>;

/** What a request asks for, parsed once from the bytes of its target: nothing is ever normalised. */
export interface RequestTarget {
  /** The path as sent; signatures are computed of it. */
  readonly rawPath: string;
  readonly query: QueryParameters;
  readonly style: 'path' | 'virtual-host';
  /** Any text; `undefined` for the service. */
  readonly bucket: string | undefined;
  /** Any text but the empty one; `undefined` for the service and for buckets. */
  readonly key: string | undefined;
  /** `/bucket/key`, or as much of it as was sent, for error documents. */
  readonly resource: string;
  /** The host that the client asked, with its port, in lower case; empty where HTTP/1.0 sent none. */
  readonly host: string;
}

export interface TargetSource {
  /** The target as it was sent: one character a byte. */
  readonly url: string;
  readonly host: string | undefined;
  /** Hosts that trusted proxies say the client asked, the client's own first. */
  readonly forwardedHosts?: readonly string[];
}

/**
 * The target of a request in origin form, or in absolute form as clients send it to a proxy.
 *
 * A bucket stands first in the path, or before one of `virtualHosts` in the host that the server was asked under, or in
 * one that a proxy was. A key is what follows, decoded once:
 * `//`, `.`, `..` and `\` are characters of it like any other.
 * Errors: InvalidURI, BadRequest, InvalidBucketName (one with a slash, in a path) 400.
 */
export function parseTarget(source: TargetSource, virtualHosts: readonly VirtualHost[]): RequestTarget {
  const { origin, host: received } = originForm(source.url, parseHost(source.host));
  if (origin.includes('#')) throw invalidUri('A request target has no fragment.');
  const mark = origin.indexOf('?');
  const rawPath = mark === -1 ? origin : origin.slice(0, mark);
  const query = parseQuery(mark === -1 ? '' : origin.slice(mark + 1));
  const { host, bucket: hostBucket } = findHost([received, ...(source.forwardedHosts ?? [])], virtualHosts);
  if (hostBucket !== undefined) {
    const key = decodePath(rawPath.slice(1));
    const resource = `/${hostBucket}/${key}`;
    return { rawPath, query, style: 'virtual-host', bucket: hostBucket, key: keyOf(key), resource, host };
  }
  return { rawPath, query, style: 'path', ...splitPath(rawPath), host };
}

/** A name whose subdomains are buckets; without a port it holds for every port. */
export interface VirtualHost {
  readonly name: string;
  readonly port: string | undefined;
}

/** Reads names such as `s3.example.com:9000`; the longest come first, so that the most specific one counts. */
export function parseVirtualHosts(names: readonly string[]): readonly VirtualHost[] {
  return [...new Set([...names.map((name) => name.toLowerCase()), 'localhost'])]
    .sort((a, b) => b.length - a.length)
    .map((text) => {
      if (!HOST.test(text)) throw new TypeError(`${JSON.stringify(text)} is not the name of a host.`);
      const port = PORT.exec(text)?.[0];
      return { name: port === undefined ? text : text.slice(0, -port.length), port: port?.slice(1) };
    });
}

/** One host: repeated headers come joined by commas, which no host has. */
function parseHost(header: string | undefined): string {
  if (header === undefined || header === '') return '';
  const host = header.toLowerCase();
  if (!HOST.test(host)) throw new S3Error('BadRequest', { message: 'The request names no host that could be one.' });
  return host;
}

/**
 * The host of an absolute form is the one that counts. It differs from the Host header by a port that need not be said,
 * at most: anything else is an attempt to be two requests at once.
 * Source: https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
 */
function originForm(url: string, host: string): { readonly origin: string; readonly host: string } {
  if (url.startsWith('/')) return { origin: url, host };
  const [, named, rest] = ABSOLUTE_FORM.exec(url) ?? [];
  if (named === undefined || rest === undefined) throw invalidUri('A request target starts with a slash.');
  const authority = parseHost(named);
  if (host !== '' && authority.replace(DEFAULT_PORT, '') !== host.replace(DEFAULT_PORT, '')) {
    throw new S3Error('BadRequest', { message: 'The request target and the Host header name different hosts.' });
  }
  return { origin: rest.startsWith('/') ? rest : `/${rest}`, host: authority };
}

/** The first host that names a bucket; where none does, the one that the client asked. */
function findHost(
  hosts: readonly [received: string, ...forwarded: readonly string[]],
  virtualHosts: readonly VirtualHost[],
): { readonly host: string; readonly bucket: string | undefined } {
  for (const host of hosts) {
    const bucket = bucketOfHost(host, virtualHosts);
    if (bucket !== undefined) return { host, bucket };
  }
  return { host: hosts[1] ?? hosts[0], bucket: undefined };
}

/** The bucket that stands before one of `virtualHosts` in a host, which is in lower case. */
export function bucketOfHost(host: string, virtualHosts: readonly VirtualHost[]): string | undefined {
  const port = PORT.exec(host)?.[0];
  const name = port === undefined ? host : host.slice(0, -port.length);
  for (const virtual of virtualHosts) {
    if (virtual.port !== undefined && virtual.port !== port?.slice(1)) continue;
    if (name === virtual.name) return undefined;
    if (
      name.length > virtual.name.length + 1 &&
      name.endsWith(virtual.name) &&
      name.at(-virtual.name.length - 1) === '.'
    ) {
      return name.slice(0, -virtual.name.length - 1);
    }
  }
  return undefined;
}

function splitPath(rawPath: string): Pick<RequestTarget, 'bucket' | 'key' | 'resource'> {
  const slash = rawPath.indexOf('/', 1);
  const bucket = decodePath(slash === -1 ? rawPath.slice(1) : rawPath.slice(1, slash));
  // What is signed of a path does not tell such a slash from others: a signature for a key would be one for this bucket.
  if (bucket.includes('/')) throw new S3Error('InvalidBucketName', { elements: { BucketName: bucket } });
  const resource = `/${bucket}`;
  if (slash === -1) return { bucket: bucket === '' ? undefined : bucket, key: undefined, resource };
  const key = decodePath(rawPath.slice(slash + 1));
  return { bucket, key: keyOf(key), resource: `${resource}/${key}` };
}

function keyOf(text: string): string | undefined {
  return text === '' ? undefined : text;
}

function decodePath(raw: string): string {
  const text = percentDecode(raw);
  if (text === undefined) throw invalidUri('The path holds a broken percent escape, or bytes that are not UTF-8.');
  if (text.includes('\0')) throw invalidUri('The path holds a NUL.');
  return text;
}

function parseQuery(raw: string): QueryParameters {
  const pairs: QueryPair[] = [];
  if (raw === '') return new QueryParameters(pairs);
  for (const piece of raw.split('&')) {
    if (piece === '') continue;
    const equals = piece.indexOf('=');
    const name = equals === -1 ? piece : piece.slice(0, equals);
    pairs.push([decodeQuery(name), equals === -1 ? '' : decodeQuery(piece.slice(equals + 1))]);
  }
  return new QueryParameters(pairs);
}

function decodeQuery(raw: string): string {
  const text = percentDecode(raw.replaceAll('+', ' '));
  if (text === undefined) throw invalidUri('The query holds a broken percent escape, or bytes that are not UTF-8.');
  return text;
}

function invalidUri(message: string): S3Error {
  return new S3Error('InvalidURI', { message });
}
