#!/usr/bin/env node
import './node-20.ts';
import './harden-process.ts';
import cluster from 'node:cluster';
import { fileURLToPath } from 'node:url';

keepCompiledSources();

// The one place that ends a process: whatever runs below resolves with the code to exit with.
process.exit(await (cluster.isWorker ? runAsWorker() : runAsCommand()));

/**
 * Sources run unbuilt have their types taken out at each start, which takes longer than all else. What came of it is kept
 * in the checkout, where whoever can write can change the sources too. A built program writes nowhere: there it would
 * gain nothing that can be measured.
 */
function keepCompiledSources(): void {
  if (!import.meta.url.endsWith('.ts')) return;
  process
    .getBuiltinModule('node:module')
    .enableCompileCache(fileURLToPath(new URL('../.cache/compiled', import.meta.url)));
}

async function runAsWorker(): Promise<number> {
  const { runWorker } = await import('./worker.ts');
  return await runWorker();
}

async function runAsCommand(): Promise<number> {
  const { EXIT } = await import('./cli/exit-code.ts');
  const { runProgram } = await import('./cli/program.ts');
  const { openProcessTerminal } = await import('./cli/terminal.ts');
  const stop = new AbortController();
  const kill = new AbortController();
  const onSignal = () => (stop.signal.aborted ? kill : stop).abort();
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const terminal = openProcessTerminal();
  const code = await runProgram(process.argv.slice(2), { terminal, stop: stop.signal, kill: kill.signal });
  return (await terminal.printed()) ? code : Math.max(code, EXIT.found);
}
