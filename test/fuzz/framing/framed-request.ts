/** A request as a parser takes it off a connection; all text is one character a byte. */
export interface FramedRequest {
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  /** What came of the body. */
  readonly body: string;
  /** Whether the body came to its end. */
  readonly isWhole: boolean;
}
