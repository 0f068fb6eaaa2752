import { S3Error } from '../domain/s3-error.ts';
import { type QueryPair, QueryParameters } from './parameters.ts';
import { percentDecode } from './percent.ts';

const HOST = /^(?:[a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;
const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)(.*)$/i;
const PORT = /:\d{1,5}$/;

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
  /** `/bucket/key`, for error documents. */
  readonly resource: string;
  /** The host that the client asked, with its port, in lower case; empty where HTTP/1.0 sent none. */
  readonly host: string;
}

export interface TargetSource {
  /** The target as node:http leaves it: one character a byte. */
  readonly url: string;
  readonly host: string | undefined;
}

/**
 * The target of a request in origin form or absolute form.
 *
 * A bucket stands first in the path, or before one of `virtualHosts` in the host. A key is what follows, decoded once:
 * `//`, `.`, `..` and `\` are characters of it like any other.
 * Errors: InvalidURI, BadRequest 400.
 */
export function parseTarget(source: TargetSource, virtualHosts: readonly VirtualHost[]): RequestTarget {
  const host = parseHost(source.host);
  const origin = originForm(source.url, host);
  if (origin.includes('#')) throw invalidUri('A request target has no fragment.');
  const mark = origin.indexOf('?');
  const rawPath = mark === -1 ? origin : origin.slice(0, mark);
  const query = parseQuery(mark === -1 ? '' : origin.slice(mark + 1));
  const hostBucket = bucketOfHost(host, virtualHosts);
  if (hostBucket !== undefined) {
    const key = decodePath(rawPath.slice(1));
    const resource = `/${hostBucket}/${key}`;
    return { rawPath, query, style: 'virtual-host', bucket: hostBucket, key: keyOf(key), resource, host };
  }
  const { bucket, key } = splitPath(rawPath);
  const resource = key === undefined ? `/${bucket ?? ''}` : `/${bucket}/${key}`;
  return { rawPath, query, style: 'path', bucket, key, resource, host };
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
  if (!HOST.test(host)) throw new S3Error('BadRequest', { message: 'The Host header is not a host name.' });
  return host;
}

function originForm(url: string, host: string): string {
  if (url.startsWith('/')) return url;
  const [, authority, rest] = ABSOLUTE_FORM.exec(url) ?? [];
  if (authority === undefined || rest === undefined) throw invalidUri('A request target starts with a slash.');
  if (authority.toLowerCase() !== host) {
    throw new S3Error('BadRequest', { message: 'The request target and the Host header name different hosts.' });
  }
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function bucketOfHost(host: string, virtualHosts: readonly VirtualHost[]): string | undefined {
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

function splitPath(rawPath: string): { bucket: string | undefined; key: string | undefined } {
  const slash = rawPath.indexOf('/', 1);
  const bucket = decodePath(slash === -1 ? rawPath.slice(1) : rawPath.slice(1, slash));
  if (slash === -1) return { bucket: bucket === '' ? undefined : bucket, key: undefined };
  return { bucket, key: keyOf(decodePath(rawPath.slice(slash + 1))) };
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
