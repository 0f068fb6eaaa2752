import type { AccessKey } from '../domain/access-key.ts';
import type { Config } from './config.ts';
import type { Problem } from './resolve.ts';

/** Keys that every scanner of the internet tries. */
const DEFAULT_KEYS: readonly (readonly [id: string, secret: string])[] = [
  ['minioadmin', 'minioadmin'],
  ['minio', 'minio123'],
  ['rustfsadmin', 'rustfsadmin'],
];
/** The key of the original's packaged sample and of the documentation of AWS. */
const EXAMPLE_KEY = 'AKIAIOSFODNN7EXAMPLE';
/** The path of problems with the environment's key. */
export const ENVIRONMENT_KEY = 'environment-key';
const LOOPBACK = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1)$/;

/** What is to be said of a complete configuration as a whole. */
export function remarksOn(
  config: Config,
  { isOriginal, isSigV2Set }: { isOriginal: boolean; isSigV2Set: boolean },
): { readonly problems: readonly Problem[]; readonly notes: readonly Problem[] } {
  const problems: Problem[] = [];
  const notes: Problem[] = [];
  const { host } = config.service;
  if (!LOOPBACK.test(host)) {
    for (const { key, path } of keysOf(config)) {
      const isDefault = DEFAULT_KEYS.some(([id, secret]) => id === key.accessKeyId && secret === key.secret.reveal());
      const name = `${key.accessKeyId} is a key that everybody knows`;
      if (isDefault) {
        const message = `${name}: choose another secret, or answer on 127.0.0.1 instead of ${host}`;
        problems.push({ path, message });
      } else if (key.accessKeyId === EXAMPLE_KEY) {
        notes.push({
          path,
          message: `${name}, from an example: make one of your own before ${host} is reached by others`,
        });
      }
    }
  }
  if (config.options.objectOwnership === 'BucketOwnerEnforced') {
    const open = config.options.buckets.find(({ acl }) => acl !== 'private');
    const message = `cannot give ${open?.name} an ACL where options.object-ownership is BucketOwnerEnforced`;
    if (open !== undefined) problems.push({ path: ['options', 'buckets'], message });
  }
  if (isOriginal && !isSigV2Set && config.options.signatureV2) {
    const message =
      'is a file of Pithos 0.7, so requests signed by signature version 2 are accepted: options.signature-v2 says otherwise';
    notes.push({ path: [], message });
  }
  return { problems, notes };
}

function keysOf({ keystore }: Config): { readonly key: AccessKey; readonly path: readonly string[] }[] {
  const { store, environmentKey } = keystore;
  const keys = store.use === 'map' ? store.keys : [];
  return [
    ...keys.map((key) => ({ key, path: ['keystore', 'keys', key.accessKeyId] })),
    ...(environmentKey === undefined ? [] : [{ key: environmentKey, path: [ENVIRONMENT_KEY] }]),
  ];
}
