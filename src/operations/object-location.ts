/** Where an object is, as a client sees it. */
export interface ObjectLocation {
  /** Scheme and authority under which the client reached the server. */
  readonly baseUrl: string;
  readonly bucket: string;
  readonly key: string;
}

/** The object's URL as the client addressed the bucket, in the path or before the host. */
export function objectLocation({ baseUrl, bucket, key }: ObjectLocation): string {
  const path = key.split('/').map(encodeURIComponent).join('/');
  return baseUrl.includes(`://${bucket}.`) ? `${baseUrl}/${path}` : `${baseUrl}/${bucket}/${path}`;
}
