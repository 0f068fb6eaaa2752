import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The release that is started. Maven Central has no archive of it, but every jar that one would contain. */
export const CASSANDRA_VERSION = '5.0.9';

const JAVA_MAJOR_MIN = 17;

/** Native libraries of other platforms: not needed here. */
const FOREIGN = 'osx-aarch_64,osx-x86_64,windows-x86_64,linux-riscv64';
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';

/** What is missing before Cassandra can be started; the message says what to install. */
export class CassandraToolsError extends Error {
  override readonly name = 'CassandraToolsError';
}

/** The folder with the jars of the server, fetched from Maven Central where it is not there yet. */
export async function fetchCassandra(version = CASSANDRA_VERSION): Promise<string> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'pithos-cassandra', version);
  const jars = join(cache, 'lib');
  if (existsSync(jars)) return jars;
  installTools();
  await mkdir(cache, { recursive: true });
  const staging = `${jars}.${process.pid}`;
  await writeFile(join(cache, 'pom.xml'), pomOf(version));
  const settings = ['-DincludeScope=runtime', `-DexcludeClassifiers=${FOREIGN}`, `-DoutputDirectory=${staging}`];
  const run = spawnSync('mvn', ['-q', '-B', '-f', join(cache, 'pom.xml'), PLUGIN, ...settings], { encoding: 'utf8' });
  if (run.status !== 0) {
    await rm(staging, { recursive: true, force: true });
    throw new CassandraToolsError(`Maven could not fetch Cassandra ${version}: ${run.stdout}${run.stderr}`);
  }
  // A folder with this name is complete; if another process was faster, its folder is as good.
  await rename(staging, jars).catch(async (error: unknown) => {
    await rm(staging, { recursive: true, force: true });
    if (!existsSync(jars)) throw error;
  });
  return jars;
}

/** Sees to it that Java 17 and Maven are there: installs them as root on Debian, else says what to do. */
export function installTools(): void {
  const missing = missingTools(has);
  if (missing.length === 0) return;
  if (process.getuid?.() === 0 && has('apt-get', '--version')) {
    const packages = missing.map((tool) => (tool === 'java' ? 'default-jre-headless' : 'maven'));
    spawnSync('apt-get', ['update'], { stdio: 'ignore' });
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', ...packages], { stdio: 'ignore' });
  }
  const still = missingTools(has);
  if (still.length > 0) throw new CassandraToolsError(adviceFor(still));
}

/** Which of the tools are not there. */
export function missingTools(isThere: (command: string, flag: string) => boolean): readonly ('java' | 'mvn')[] {
  const tools = [
    ['java', '-version'],
    ['mvn', '--version'],
  ] as const;
  return tools.filter(([command, flag]) => !isThere(command, flag)).map(([command]) => command);
}

/** One sentence for somebody who wants to run the tests. */
export function adviceFor(missing: readonly ('java' | 'mvn')[]): string {
  const names = missing.map((tool) => (tool === 'java' ? 'Java 17 or later' : 'Maven')).join(' and ');
  const packages = missing.map((tool) => (tool === 'java' ? 'default-jre-headless' : 'maven')).join(' ');
  return `The tests on Apache Cassandra need ${names}: install ${packages} (Debian), or run npm run test:embedded without them.`;
}

function has(command: string, flag: string): boolean {
  const { status, stdout, stderr } = spawnSync(command, [flag], { encoding: 'utf8' });
  return status === 0 && (command !== 'java' || isJavaRecent(`${stdout}${stderr}`));
}

/** Whether what `java -version` prints is of a Java that Cassandra runs on. */
export function isJavaRecent(text: string): boolean {
  return Number(/version "(?<major>\d+)/.exec(text)?.groups?.['major'] ?? 0) >= JAVA_MAJOR_MIN;
}

function pomOf(version: string): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>pithos</groupId><artifactId>cassandra</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency>
    <groupId>org.apache.cassandra</groupId><artifactId>cassandra-all</artifactId><version>${version}</version>
  </dependency></dependencies>
</project>
`;
}
