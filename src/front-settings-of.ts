import type { OptionsConfig } from './config/config.ts';
import type { FrontSettings } from './http/front-settings.ts';

/** What of the configuration is for the front. */
export function frontSettingsOf(options: OptionsConfig): FrontSettings {
  return {
    virtualHosts: options.serviceUris,
    publicUrls: options.publicUrls,
    trustedProxies: options.trustedProxies,
    sigV2: options.signatureV2,
    defaultCors: options.defaultCors,
    defaultObjectOwnership: options.objectOwnership,
  };
}
