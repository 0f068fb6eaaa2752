import type { OptionsConfig } from './config/config.ts';
import type { JobSettings } from './jobs/start-jobs.ts';

/** The times of the jobs that the configuration sets; those that it leaves to them are not there. */
export function jobGraces(
  options: OptionsConfig,
): Pick<JobSettings, 'staleUploadsAfterMs' | 'intentGraceMs' | 'reclaimGraceMs'> {
  const { staleUploadsAfterMs, intentGraceMs, reclaimGraceMs } = options;
  return {
    ...(staleUploadsAfterMs === undefined ? {} : { staleUploadsAfterMs }),
    ...(intentGraceMs === undefined ? {} : { intentGraceMs }),
    ...(reclaimGraceMs === undefined ? {} : { reclaimGraceMs }),
  };
}
