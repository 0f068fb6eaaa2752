import { type ChildProcess, spawn } from 'node:child_process';

/**
 * A shell that kills the processes it was last told of when its standard input ends, which it does however this
 * process ends. Each line replaces the list. A process id that was given to another program meanwhile is left alone.
 */
const SCRIPT = `
trap '' INT TERM HUP
pids=
while read -r line; do pids=$line; done
for pid in $pids; do
  if tr '\\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q '^java @'; then kill -9 "$pid" 2>/dev/null; fi
done
`;

const watched = new Set<number>();
let shell: ChildProcess | undefined;

/** Sees to it that a Java process does not outlive this one, not even where this one is killed. */
export function watch(pid: number): void {
  watched.add(pid);
  tell();
}

/** Says that a process has ended by itself. */
export function unwatch(pid: number): void {
  watched.delete(pid);
  tell();
}

function tell(): void {
  shell ??= startShell();
  shell.stdin?.write(`${[...watched].join(' ')}\n`);
}

/** In a group of its own, so that a Ctrl-C does not reach it, and no reason for this process to go on. */
function startShell(): ChildProcess {
  const child = spawn('/bin/sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  child.unref();
  // An error here says that the shell has ended, and 'exit' says so too.
  child.stdin?.on('error', () => undefined);
  child.on('exit', () => {
    shell = undefined;
  });
  if (child.stdin !== null && 'unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref();
  return child;
}
