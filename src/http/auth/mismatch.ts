import { S3Error } from '../../domain/s3-error.ts';
import { headerBytes } from '../../operations/headers/header-text.ts';
import { HOST, readForwarded } from '../forwarded.ts';
import { percentDecode, percentEncode } from '../percent.ts';
import type { SignatureClaim } from './claim.ts';
import type { SignatureCheck, SignedView } from './signature-check.ts';
import type { ServerNames, ViewedRequest } from './signed-views.ts';

/** Most views that are tried only to find out what is wrong. */
const GUESSES_MAX = 48;
/** Hosts of headers that are not believed. */
const UNTRUSTED_MAX = 4;
/** Ports that proxies drop from the Host header. */
const USUAL_PORTS = ['443', '80', '8080', '8443', '8000', '9000'];
const PORT = /:\d{1,5}$/;
/** What a client takes for the same request. */
const OTHER_METHODS: Readonly<Record<string, string>> = { GET: 'HEAD', HEAD: 'GET', POST: 'PUT', PUT: 'POST' };
/** What proxies are known to write anew. */
const CHANGED_BY_PROXIES = /^(?:accept-encoding|connection|expect|te|user-agent|via|x-forwarded-.*)$/;

export interface Mismatch {
  readonly request: ViewedRequest;
  readonly claim: SignatureClaim;
  readonly check: SignatureCheck;
  /** What the signature was held against, the likeliest first. */
  readonly tried: readonly SignedView[];
  readonly names: ServerNames;
}

/** Why a view that matches does not count, and what to do about it. */
interface Guess {
  readonly view: SignedView;
  readonly reason: string;
}

/**
 * Says why a signature matches nothing: what came closest, which is a view that matches but for one thing, or without
 * one the likeliest, and what was signed here for it, so that a client's author can compare.
 */
export function explainMismatch({ request, claim, check, tried, names }: Mismatch): S3Error {
  const [likeliest] = tried;
  const guess = guesses(request, claim, names).find(({ view }) => check.matches(view));
  const closest = guess?.view ?? likeliest;
  const { message } = new S3Error('SignatureDoesNotMatch');
  return new S3Error('SignatureDoesNotMatch', {
    message: `${message} ${guess?.reason ?? describe({ request, claim, tried })}`,
    elements: {
      AWSAccessKeyId: claim.accessKeyId,
      SignatureProvided: claim.signature,
      ...(closest && check.signedTexts(closest)),
    },
  });
}

function describe({ request, claim, tried }: Pick<Mismatch, 'request' | 'claim' | 'tried'>): string {
  if (claim.kind === 'v2') {
    const resources = tried.map(
      ({ hostBucket, rawPath }) => `${hostBucket === undefined ? '' : `/${hostBucket}`}${rawPath}`,
    );
    return `It was checked for ${[...new Set(resources)].join(', ')}.`;
  }
  const hosts = tried.map(({ host }) => host ?? request.headers.raw('host') ?? 'none');
  const changed = claim.signedHeaders.filter((name) => CHANGED_BY_PROXIES.test(name));
  const hint = changed.length === 0 ? '' : ` Proxies may change headers that are signed here: ${changed.join(', ')}.`;
  return `It was checked for the host ${[...new Set(hosts)].join(', ')}; StringToSign is for the first. If clients use another one, add their URL to options.public-url.${hint}`;
}

/** What else the client may have signed, each with what is wrong then. At most `GUESSES_MAX`. */
function guesses(request: ViewedRequest, claim: SignatureClaim, names: ServerNames): Guess[] {
  const { method, target } = request;
  const hostBucket = target.style === 'virtual-host' ? target.bucket : undefined;
  const received = { method, host: undefined, hostBucket, rawPath: target.rawPath };
  const found = [...otherMethod(received), ...otherPaths(received)];
  if (claim.kind === 'v4') found.push(...untrustedHosts(request, received), ...otherHosts(request, received, names));
  return found.slice(0, GUESSES_MAX);
}

function otherMethod(received: SignedView): Guess[] {
  const method = OTHER_METHODS[received.method];
  if (method === undefined) return [];
  const reason = `The signature is one for ${method}, and the request is a ${received.method}.`;
  return [{ view: { ...received, method }, reason }];
}

/** What signers that are not made for S3 do to a path. */
function otherPaths(received: SignedView): Guess[] {
  const { rawPath } = received;
  const found: Guess[] = [];
  const add = (path: string, reason: string) => {
    if (path !== rawPath) found.push({ view: { ...received, rawPath: path }, reason });
  };
  const canonical = percentEncode(percentDecode(rawPath) ?? '').replaceAll('%2F', '/');
  add(
    canonical.replaceAll('%', '%25'),
    'The path was percent-encoded twice before it was signed. S3 has it encoded once: use a signer for S3.',
  );
  add(
    normalized(rawPath),
    'The path was normalised before it was signed. S3 takes “.”, “..” and double slashes as they are: use a signer for S3.',
  );
  if (rawPath.endsWith('/')) add(rawPath.slice(0, -1), 'The path was signed without the slash at its end.');
  else add(`${rawPath}/`, 'The path was signed with a slash at its end, which the request does not have.');
  return found;
}

function normalized(rawPath: string): string {
  const url = `http://host${rawPath.replace(/\/{2,}/g, '/')}`;
  return URL.canParse(url) ? headerBytes(new URL(url).pathname) : rawPath;
}

/** Hosts that somebody names who is not trusted. */
function untrustedHosts({ headers, client }: ViewedRequest, received: SignedView): Guess[] {
  if (client.isProxied) return [];
  const { hosts, ports } = readForwarded(headers);
  const name = (headers.raw('host') ?? '').replace(PORT, '');
  const byPort = ports.map((port) => `${name}:${port}`);
  return [...hosts, ...byPort].slice(0, UNTRUSTED_MAX).flatMap((host) => {
    if (host === undefined) return [];
    const reason = `It was signed for the host ${host}, which a proxy names in a header that is not believed: add ${client.sourceIp} to options.trusted-proxies, or the URL of clients to options.public-url.`;
    return [{ view: { ...received, host }, reason }];
  });
}

/** The server's other names, and the ports that proxies drop. */
function otherHosts(
  { headers, target }: ViewedRequest,
  received: SignedView,
  { publicUrls, virtualHosts }: ServerNames,
): Guess[] {
  const arrived = headers.raw('host') ?? 'none';
  const { hostBucket } = received;
  const serverHosts = [
    ...publicUrls.map(({ host }) => host),
    ...virtualHosts.map(({ name, port }) => (port === undefined ? name : `${name}:${port}`)),
  ];
  const known = [
    target.host,
    ...serverHosts.map((name) => (hostBucket === undefined ? name : `${hostBucket}.${name}`)),
  ];
  const bare = [...new Set(known.map((host) => host.replace(PORT, '')))].filter((name) => HOST.test(name));
  const hosts = new Set([...known, ...bare, ...bare.flatMap((name) => USUAL_PORTS.map((port) => `${name}:${port}`))]);
  return [...hosts].map((host) => ({
    view: { ...received, host },
    reason: `It was signed for the host ${host}, and the request arrived for ${arrived}: let the proxy keep the Host header, or add the URL of clients to options.public-url.`,
  }));
}
