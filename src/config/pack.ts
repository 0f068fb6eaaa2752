import type { AccessKey } from '../domain/access-key.ts';
import { Secret } from '../domain/secret.ts';
import type { Config } from './config.ts';

/**
 * A configuration as one process hands it to another, by structured clone: the same, but with its secrets in the clear,
 * for nothing that hides its value can be cloned.
 */
export interface PackedConfig extends Omit<Config, 'keystore'> {
  readonly keystore: {
    readonly store:
      | Exclude<Config['keystore']['store'], { use: 'map' }>
      | { readonly use: 'map'; readonly keys: readonly PackedKey[] };
    readonly environmentKey: PackedKey | undefined;
  };
}

type PackedKey = Omit<AccessKey, 'secret'> & { readonly secret: string };

export function packConfig(config: Config): PackedConfig {
  const { store, environmentKey } = config.keystore;
  return {
    ...config,
    keystore: {
      store: store.use === 'map' ? { use: 'map', keys: store.keys.map(packKey) } : store,
      environmentKey: environmentKey && packKey(environmentKey),
    },
  };
}

export function unpackConfig(packed: PackedConfig): Config {
  const { store, environmentKey } = packed.keystore;
  return {
    ...packed,
    keystore: {
      store: store.use === 'map' ? { use: 'map', keys: store.keys.map(unpackKey) } : store,
      environmentKey: environmentKey && unpackKey(environmentKey),
    },
  };
}

function packKey(key: AccessKey): PackedKey {
  return { ...key, secret: key.secret.reveal() };
}

function unpackKey(key: PackedKey): AccessKey {
  return { ...key, secret: new Secret(key.secret) };
}
