/**
 * One rule of a bucket's CORS configuration.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CORSRule.html
 */
export interface CorsRule {
  readonly id?: string | undefined;
  /** Each may hold one `*`. */
  readonly allowedOrigins: readonly string[];
  /** `GET`, `PUT`, `HEAD`, `POST`, `DELETE`. */
  readonly allowedMethods: readonly string[];
  /** Each may hold one `*`. */
  readonly allowedHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeSeconds?: number | undefined;
}
