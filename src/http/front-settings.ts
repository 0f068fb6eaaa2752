import type { ObjectOwnership } from '../domain/bucket.ts';
import type { CorsRule } from '../domain/cors.ts';

/** What the configuration says about how requests come in and what they may. */
export interface FrontSettings {
  /** Names under which `<bucket>.<name>` is a bucket, with or without a port; `localhost` always is one. */
  readonly virtualHosts: readonly string[];
  /** URLs under which clients reach the server through a proxy that changes the host, such as `https://s3.example.com`. */
  readonly publicUrls: readonly string[];
  /** Addresses and CIDR ranges of proxies whose `X-Forwarded-*` headers are believed. */
  readonly trustedProxies: readonly string[];
  /** Whether requests signed by the old signature version 2 are accepted. */
  readonly sigV2: boolean;
  /** Rules that hold for every bucket, after its own. */
  readonly defaultCors: readonly CorsRule[];
  /** What a new bucket has whose CreateBucket names no object ownership. */
  readonly defaultObjectOwnership: ObjectOwnership;
}

export const DEFAULT_FRONT_SETTINGS: FrontSettings = {
  virtualHosts: [],
  publicUrls: [],
  trustedProxies: [],
  sigV2: false,
  defaultCors: [],
  defaultObjectOwnership: 'ObjectWriter',
};
