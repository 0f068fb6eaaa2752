/** A configured bucket cannot be made, in one sentence for the user. */
export class ConfiguredBucketError extends Error {
  override readonly name = 'ConfiguredBucketError';
}
