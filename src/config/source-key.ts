import { Secret } from '../domain/secret.ts';
import type { Environment } from './environment.ts';

const VARIABLES = [
  ['SOURCE_ACCESS_KEY_ID', 'SOURCE_SECRET_ACCESS_KEY', 'SOURCE_SESSION_TOKEN'],
  ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'],
] as const;

export interface SourceEnvironment {
  /** The key for the server that is read, if the environment has one. */
  readonly key:
    | { readonly accessKeyId: string; readonly secret: Secret; readonly sessionToken: string | undefined }
    | undefined;
  /** The rest, for the stores that are written: the key of the source is none of theirs. */
  readonly rest: Environment;
}

/**
 * The key that the environment has for another S3 server: `SOURCE_ACCESS_KEY_ID` and `SOURCE_SECRET_ACCESS_KEY`, or else
 * those that start with `AWS_`; a session token beside them.
 */
export function readSourceEnvironment(environment: Environment = process.env): SourceEnvironment {
  const names = VARIABLES.flat();
  const rest = Object.fromEntries(Object.entries(environment).filter(([name]) => !names.some((each) => each === name)));
  for (const [id, secret, token] of VARIABLES) {
    const accessKeyId = environment[id] ?? '';
    const text = environment[secret] ?? '';
    if (accessKeyId === '' || text === '') continue;
    return { key: { accessKeyId, secret: new Secret(text), sessionToken: environment[token] || undefined }, rest };
  }
  return { key: undefined, rest };
}
