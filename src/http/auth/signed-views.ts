import type { PublicUrl } from '../../domain/public-url.ts';
import type { RequestHeaders } from '../parameters.ts';
import { percentDecode, percentEncode } from '../percent.ts';
import { bucketOfHost, type RequestTarget, type VirtualHost } from '../target.ts';
import type { ClientSide } from '../trusted-proxies.ts';
import type { SignatureClaim } from './claim.ts';
import type { SignedView } from './signature-check.ts';

/** Most views that one signature is held against before it is refused. */
const VIEWS_MAX = 64;
/** Ports that a client may have signed or left out: those of the two schemes. */
const DEFAULT_PORTS = ['443', '80'];
const PORT = /:\d{1,5}$/;
/** A path of nothing but a bucket. */
const BUCKET_PATH = /^\/[^/]+\/?$/;

export interface ViewedRequest {
  readonly method: string;
  readonly target: Pick<RequestTarget, 'rawPath' | 'query' | 'style' | 'bucket' | 'host'>;
  readonly headers: RequestHeaders;
  readonly client: ClientSide;
}

/** A view that a client may have signed, and where it asked then, without the path. */
export interface NamedView extends SignedView {
  readonly baseUrl: string;
}

/** The names that the server goes by. */
export interface ServerNames {
  readonly publicUrls: readonly PublicUrl[];
  readonly virtualHosts: readonly VirtualHost[];
}

/** The request as it arrived. */
export function receivedView({ method, target, client }: ViewedRequest, { publicUrls }: ServerNames): NamedView {
  const { rawPath, style, bucket, host } = target;
  const hostBucket = style === 'virtual-host' ? bucket : undefined;
  const url = publicUrls.find(
    (each) => each.pathPrefix === '' && (host === each.host || host.endsWith(`.${each.host}`)),
  );
  const baseUrl = url === undefined ? baseUrlOf(host, client) : `${url.scheme}://${host}`;
  return { method, host: undefined, hostBucket, rawPath, baseUrl };
}

/**
 * Whether the host of a view names the bucket that the request is for, or none if it names none. Otherwise somebody who
 * has a signed request could send it for another bucket, by a second host that a proxy passes on.
 */
export function namesSameBucket(view: SignedView, { headers }: ViewedRequest, { virtualHosts }: ServerNames): boolean {
  const host = view.host ?? headers.raw('host') ?? '';
  return bucketOfHost(host.trim().toLowerCase(), virtualHosts) === view.hostBucket;
}

/**
 * The other ways in which the client may rightly have seen the request: by the hosts and ports of trusted proxies, with
 * or without the port that need not be said, and by the public URLs. At most `VIEWS_MAX`, each once.
 */
export function otherViews(request: ViewedRequest, claim: SignatureClaim, names: ServerNames): NamedView[] {
  const received = receivedView(request, names);
  const asSigned = claim.kind === 'v2' ? [received, ...inOtherWords(received)] : [received];
  const views = asSigned.flatMap((view) => [
    ...viewsByHost(view, request).filter((each) => namesSameBucket(each, request, names)),
    ...names.publicUrls.flatMap((url) => viewsByUrl(view, url)),
  ]);
  return distinct(views, claim).slice(0, VIEWS_MAX);
}

/** What SigV2 signs of the same resource in other words, for it takes the path as it is sent. */
function inOtherWords(view: NamedView): NamedView[] {
  const { hostBucket, rawPath } = view;
  // A proxy that takes away a part of the path, such as nginx, encodes the rest anew.
  const paths = [percentEncode(percentDecode(rawPath) ?? '').replaceAll('%2F', '/')];
  // Quirk: botocore 1.44 signs `/bucket/` where it sends `/bucket`, observed 2026-11.
  if (hostBucket === undefined && BUCKET_PATH.test(rawPath)) {
    paths.push(rawPath.endsWith('/') ? rawPath.slice(0, -1) : `${rawPath}/`);
  }
  return paths.map((path) => ({ ...view, rawPath: path }));
}

function viewsByHost(received: NamedView, { headers, client, target }: ViewedRequest): NamedView[] {
  const views: NamedView[] = [];
  const asked = [...client.hosts, (headers.raw('host') ?? target.host).trim()];
  if (target.host !== '') asked.push(target.host);
  for (const host of asked) {
    const name = host.replace(PORT, '');
    const baseUrl = baseUrlOf(host, client);
    const ports = client.port === undefined ? DEFAULT_PORTS : [client.port, ...DEFAULT_PORTS];
    views.push({ ...received, host, baseUrl });
    for (const port of ports) views.push({ ...received, host: `${name}:${port}`, baseUrl });
    if (DEFAULT_PORTS.some((port) => host.endsWith(`:${port}`))) views.push({ ...received, host: name, baseUrl });
  }
  return views;
}

/** Where the client asked, with the port that its proxy names where the host has none. */
function baseUrlOf(host: string, { scheme, port }: ClientSide): string {
  const isSaid = port === undefined || port === (scheme === 'https' ? '443' : '80') || PORT.test(host);
  return `${scheme}://${host}${isSaid ? '' : `:${port}`}`;
}

function viewsByUrl(received: NamedView, { scheme, host, pathPrefix }: PublicUrl): NamedView[] {
  const { hostBucket, rawPath } = received;
  const named = hostBucket === undefined ? host : `${hostBucket}.${host}`;
  const view = { ...received, rawPath: `${pathPrefix}${rawPath}`, baseUrl: `${scheme}://${named}${pathPrefix}` };
  const port = PORT.test(host) ? '' : `:${scheme === 'https' ? '443' : '80'}`;
  return [
    { ...view, host: named },
    { ...view, host: `${named}${port}` },
  ];
}

/** Each once; what SigV2 signs has no host. */
function distinct(views: readonly NamedView[], claim: SignatureClaim): NamedView[] {
  const byContent = new Map<string, NamedView>();
  for (const view of views) {
    const content = `${claim.kind === 'v4' ? view.host : ''}\n${view.rawPath}`;
    if (!byContent.has(content)) byContent.set(content, view);
  }
  return [...byContent.values()];
}
