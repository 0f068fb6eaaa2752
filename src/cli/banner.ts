import type { AccessKey } from '../domain/access-key.ts';
import type { ServingServer } from '../serve.ts';

/** What `pithos serve` prints for people once it accepts requests: where, with which key, and how to begin. */
export function banner(server: ServingServer): string {
  const key = server.environmentKey ?? server.keys[0];
  const lines = [
    '',
    `Pithos answers S3 requests at ${server.endpoint}`,
    '',
    ...keyLines(server, key),
    `  region             ${server.region}`,
    `  worker processes   ${server.workers}`,
    `  health, metrics    ${server.adminEndpoint ?? 'off'}`,
    '',
    ...storeLines(server),
    '',
  ];
  if (key !== undefined) lines.push(...snippets(server, key), '');
  return `${lines.join('\n')}\n`;
}

function keyLines(server: ServingServer, key: AccessKey | undefined): string[] {
  const { keys, environmentKey } = server;
  if (key === undefined) return ['  access keys        those of the configuration file'];
  const others = keys.length - (environmentKey === undefined ? 1 : 0);
  return [
    `  access key id      ${key.accessKeyId}`,
    `  secret access key  ${secretOf(key, server)}`,
    ...(others > 0 ? [`  other keys         ${others}: see \`pithos keys list\``] : []),
  ];
}

/** One line for each place, with the stores that it holds. */
function storeLines({ stores }: ServingServer): string[] {
  const byPlace = new Map<string, string[]>();
  for (const { name, store } of stores) {
    const names = byPlace.get(store.description) ?? [];
    names.push(name);
    byPlace.set(store.description, names);
  }
  return [...byPlace].map(([place, names]) => `  ${place}\n    holds ${names.join(', ')}`);
}

function snippets(server: ServingServer, key: AccessKey): string[] {
  const { endpoint, region } = server;
  const secret = secretOf(key, server);
  const { host } = new URL(endpoint);
  return [
    'AWS CLI:',
    `  export AWS_ACCESS_KEY_ID=${key.accessKeyId} AWS_SECRET_ACCESS_KEY=${secret}`,
    `  export AWS_DEFAULT_REGION=${region} AWS_ENDPOINT_URL=${endpoint}`,
    '  aws s3 mb s3://my-bucket',
    '',
    's3cmd:',
    `  s3cmd${endpoint.startsWith('https:') ? '' : ' --no-ssl'} --host=${host} --host-bucket=${host} --region=${region} \\`,
    `    --access_key=${key.accessKeyId} --secret_key=${secret} mb s3://my-bucket`,
    '',
    'AWS SDK for JavaScript:',
    '  new S3Client({',
    `    endpoint: '${endpoint}', region: '${region}', forcePathStyle: true,`,
    `    credentials: { accessKeyId: '${key.accessKeyId}', secretAccessKey: '${secret}' },`,
    '  })',
  ];
}

/** A secret that the environment gave is not repeated. */
function secretOf(key: AccessKey, { environmentKey, secretVariable }: ServingServer): string {
  return environmentKey === undefined ? key.secret.reveal() : `$${secretVariable ?? 'PITHOS_SECRET_ACCESS_KEY'}`;
}
