/**
 * Closes what Node leaves open in a process that holds secrets; imported by the program before all else. It changes the
 * whole process, so a program that embeds Pithos decides for itself.
 *
 * - No object inherits a setter by which a name from outside, `__proto__`, changes a prototype
 *   (as `node --disable-proto=delete`).
 * - SIGUSR1 opens no debugger, through which every local user could read the memory (as `node --disable-sigusr1`).
 * - A diagnostic report leaves the environment out (as `node --report-exclude-env`; Node 20 has no such switch).
 *
 * What the system must do is in the unit that ships: no core dumps (`LimitCORE=0`).
 */
Reflect.deleteProperty(Object.prototype, '__proto__');

process.on('SIGUSR1', () => undefined);

process.report.excludeEnv = true;
