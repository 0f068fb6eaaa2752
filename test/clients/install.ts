import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { attempt, installDebianPrograms, installPackages, type Program, run, which } from '../support/programs.ts';

/** The S3 clients that users have, and the programs that their tests need. */
export type ClientName = PythonName | GoName | JavaName | DebianName;
type PythonName = 'aws' | 's3cmd' | 'python';
type GoName = keyof typeof GO_MODULES;
/** Java itself, and folders of jars. */
type JavaName = 'java' | (typeof JAVA_PROJECTS)[number];
type DebianName = keyof typeof DEBIAN_PACKAGES;

declare module 'vitest' {
  interface ProvidedContext {
    readonly clients: Readonly<Record<ClientName, Program>>;
  }
}

const ROOT = new URL('../..', import.meta.url).pathname;
const CACHE = join(ROOT, '.cache/clients');

/** What is built of each module below this folder. */
const GO_MODULES = { s5cmd: 'github.com/peak/s5cmd/v2', mc: 'github.com/minio/mc', go: '.' } as const;
const JAVA_PROJECTS = ['java-sdk', 'hadoop'] as const;
const COPY_JARS = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';

/** The packages that bring each program. */
const DEBIAN_PACKAGES = {
  rclone: ['rclone'],
  restic: ['restic'],
  curl: ['curl'],
  s3fs: ['s3fs'],
  fusermount3: ['fuse3'],
  nginx: ['nginx-light'],
  openssl: ['openssl'],
  chromium: ['chromium'],
} as const;

/**
 * Makes every client available before the tests with real clients begin: Python's, Go's and Java's under `.cache/clients`,
 * where later runs find them again, Debian's from the system. A client that cannot be had fails its own tests.
 */
export async function setup(project: TestProject): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const [python, go, system] = await Promise.all([installPython(), installGo(), installSystem()]);
  project.provide('clients', { ...python, ...go, ...system });
}

async function installPython(): Promise<Readonly<Record<'aws' | 's3cmd' | 'python', Program>>> {
  const requirements = new URL('requirements.txt', import.meta.url).pathname;
  const folder = join(CACHE, `python-${fingerprint(await readFile(requirements))}`);
  const install = async (): Promise<void> => {
    await run('python3', ['-m', 'venv', '--clear', folder]);
    await run(join(folder, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
  };
  const outcome = await once(
    folder,
    install,
    'install Python 3 with its venv module (Debian: apt-get install python3-venv)',
  );
  const program = (name: string): Program => outcome ?? { path: join(folder, 'bin', name) };
  return { aws: program('aws'), s3cmd: program('s3cmd'), python: program('python') };
}

/** Each is built in a module of its own, so that `go.sum` pins it and all it is made of. One at a time: mc is large. */
async function installGo(): Promise<Readonly<Record<GoName, Program>>> {
  return {
    s5cmd: await installGoModule('s5cmd'),
    go: await installGoModule('go'),
    mc: await installGoModule('mc'),
  };
}

async function installGoModule(name: GoName): Promise<Program> {
  const module = new URL(name, import.meta.url).pathname;
  const sources = await Promise.all((await readdir(module)).sort().map((file) => readFile(join(module, file))));
  const folder = join(CACHE, `${name}-${fingerprint(Buffer.concat(sources))}`);
  const install = (): Promise<string> =>
    run('go', ['build', '-mod=readonly', '-o', join(folder, name), GO_MODULES[name]], module);
  const outcome = await once(folder, install, 'install Go 1.24 or later');
  return outcome ?? { path: join(folder, name) };
}

/** The jars of a pom each. The tests' own Java is compiled as it starts, which needs a whole JDK. */
async function installJava(): Promise<Readonly<Record<JavaName, Program>>> {
  const because = await installPackages([
    ...(which('javac') === undefined ? ['default-jdk-headless'] : []),
    ...(which('mvn') === undefined ? ['maven'] : []),
  ]);
  const path = which('javac') && which('java');
  const advice = 'install a JDK of Java 17 or later and Maven (Debian: apt-get install default-jdk-headless maven)';
  return {
    java: path === undefined ? { missing: `This test needs Java: ${advice}.${because}` } : { path },
    'java-sdk': await installJars('java-sdk', advice),
    hadoop: await installJars('hadoop', advice),
  };
}

async function installJars(name: (typeof JAVA_PROJECTS)[number], advice: string): Promise<Program> {
  const pom = new URL(`${name}/pom.xml`, import.meta.url).pathname;
  const folder = join(CACHE, `${name}-${fingerprint(await readFile(pom))}`);
  const settings = ['-DincludeScope=runtime', `-DoutputDirectory=${folder}`];
  const outcome = await once(folder, () => run('mvn', ['-q', '-B', '-f', pom, COPY_JARS, ...settings]), advice);
  return outcome ?? { path: folder };
}

/** One after the other, because apt-get waits for nobody. */
async function installSystem(): Promise<Readonly<Record<DebianName | JavaName, Program>>> {
  return { ...(await installDebian()), ...(await installJava()) };
}

async function installDebian(): Promise<Readonly<Record<DebianName, Program>>> {
  const program = await installDebianPrograms(DEBIAN_PACKAGES);
  return {
    rclone: program('rclone'),
    restic: program('restic'),
    curl: program('curl'),
    s3fs: program('s3fs'),
    fusermount3: program('fusermount3'),
    nginx: program('nginx'),
    openssl: program('openssl'),
    chromium: program('chromium'),
  };
}

/** Fills `folder` unless an earlier run did; gives the reason when it cannot. */
async function once(
  folder: string,
  install: () => Promise<unknown>,
  advice: string,
): Promise<{ missing: string } | undefined> {
  const done = join(folder, '.complete');
  if (existsSync(done)) return undefined;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const because = await attempt(async () => {
    await install();
    await writeFile(done, '');
  });
  return because === ''
    ? undefined
    : { missing: `This test needs a client that could not be made: ${advice}.${because}` };
}

function fingerprint(pins: Buffer): string {
  return createHash('sha256').update(pins).digest('hex').slice(0, 12);
}
