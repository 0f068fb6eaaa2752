import type { RunningServer, StartServerOptions } from './start-server.ts' with { 'resolution-mode': 'import' };

/** What `require('pithos')` gives: Node requires no ES module that waits for an import of its own, and one does. */
module.exports = {
  async startServer(options: StartServerOptions = {}): Promise<RunningServer> {
    const { startServer } = await import('./start-server.ts');
    return await startServer(options);
  },
};
