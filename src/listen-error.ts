/** An address that cannot be had, in one sentence for the user. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** `error`, of listening at `host` and `port`, with what to do; `setting` names what chooses the port. */
export function asListenError(error: unknown, at: { host: string; port: number; setting: string }): ListenError {
  const { host, port, setting } = at;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return new ListenError(sentence(), { cause: error });

  function sentence(): string {
    switch (code) {
      case 'EADDRINUSE':
        return `Port ${port} on ${host} is in use: stop what uses it, or choose another with ${setting}.`;
      case 'EACCES':
        return `Port ${port} on ${host} is not for this user: choose one above 1023 with ${setting}.`;
      case 'EADDRNOTAVAIL':
      case 'ENOTFOUND':
        return `${host} is no address of this machine: choose another host.`;
      default:
        return `Cannot listen on ${host} port ${port}: ${error instanceof Error ? error.message : String(error)}.`;
    }
  }
}
