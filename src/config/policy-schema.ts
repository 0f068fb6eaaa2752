import { z } from 'zod';
import { S3Error } from '../domain/s3-error.ts';
import { parsePolicy } from '../policy/parse-policy.ts';

/** An identity policy, written as JSON in a text or as a map; gives the JSON. */
export const identityPolicy = z
  .union([z.string(), z.record(z.string(), z.unknown())], { error: 'must be a policy: a map, or a text of JSON' })
  .transform((value, context): string => {
    const text = typeof value === 'string' ? value.trim() : JSON.stringify(value);
    try {
      parsePolicy(text, 'identity');
      return text;
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      context.addIssue({ code: 'custom', message: `must be a policy: ${error.message}` });
      return z.NEVER;
    }
  });
