import type { Environment } from './environment.ts';

/** What Pithos reads settings, keys and buckets from. */
const READ = /^(PITHOS|MINIO|AWS|S3)_/;

/** The environment for a Pithos that is to run with its defaults: the user's settings and keys are left out. */
export function bareEnvironment(environment: Environment = process.env): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !READ.test(name)));
}
