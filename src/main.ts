#!/usr/bin/env node
import './node-20.ts';
import './harden-process.ts';
import cluster from 'node:cluster';

// The one place that ends a process: whatever runs below resolves with the code to exit with.
process.exit(await (cluster.isWorker ? runAsWorker() : runAsCommand()));

async function runAsWorker(): Promise<number> {
  const { runWorker } = await import('./worker.ts');
  return await runWorker();
}

async function runAsCommand(): Promise<number> {
  const { runProgram } = await import('./cli/program.ts');
  const { processTerminal } = await import('./cli/terminal.ts');
  const stop = new AbortController();
  const kill = new AbortController();
  const onSignal = () => (stop.signal.aborted ? kill : stop).abort();
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return await runProgram(process.argv.slice(2), { terminal: processTerminal, stop: stop.signal, kill: kill.signal });
}
