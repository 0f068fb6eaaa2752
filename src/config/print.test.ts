import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTempDir } from '../../test/support/temp-dir.ts';
import type { Config } from './config.ts';
import { loadConfiguration } from './load.ts';
import { printConfiguration } from './print.ts';

test('what is printed is a file that says the same, without the secrets', async () => {
  await using directory = await makeTempDir();
  const file = join(directory.path, 'pithos.yaml');
  await writeFile(
    file,
    `
service: { admin-port: off, tls: { cert: /c.pem, key: /k.pem } }
logging: { level: off, files: [/var/log/a] }
options: { service-uri: s3.example.com, buckets: [one-bucket, site:public-read], stale-uploads-after: 7d, default-cors: [{ origins: ["*"], methods: get }] }
keystore: { keys: { A: { tenant: t, secret: hushhush, memberof: [ops] } } }
bucketstore: { use: ./buckets.js, api-token: hushhush, default-region: eu }
regions:
  eu:
    metastore: { cluster: [10.0.0.1, "[::1]:9043"], username: u, password: hushhush, replication: dc1:3 }
    storage-classes: { standard: { path: /data }, standard-ia: { use: cassandra, cluster: a, tls: true } }
`,
  );
  const { config } = await loadConfiguration({ environment: {}, file });
  const printed = printConfiguration(config);
  expect(printed).not.toContain('hushhush');
  await writeFile(file, printed.replaceAll('"***"', 'hushhush'));
  const again = await loadConfiguration({ environment: {}, file });
  expect(withoutPlaces(again.config)).toEqual(withoutPlaces(config));
  expect(again.warnings).toEqual([]);
});

/** All but where a module is named: what is printed has other lines. */
function withoutPlaces({ bucketstore, ...config }: Config) {
  const { store } = bucketstore;
  if (store.use !== 'module') throw new Error(`The bucketstore is no module but ${store.use}.`);
  const { place: _, ...module } = store.module;
  return { ...config, bucketstore: { ...bucketstore, store: { ...store, module } } };
}
