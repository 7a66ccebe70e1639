/** A launcher of one host over SSH, for the conformance suite and the tests beside it. */

import { readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { createRunLogs } from '../../../src/executor/logs/run-logs.ts';
import { connect } from '../../../src/executor/ssh/connection.ts';
import { readHosts, SshLauncher } from '../../../src/executor/ssh/engine.ts';
import { HostLaunches } from '../../../src/executor/ssh/launches.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { Launcher, Log } from '../../../src/scheduler/ports.ts';
import type { LauncherHarness } from '../../conformance/launcher.ts';
import { secretsFrom } from '../../support/secrets.ts';
import type { SshHosts } from '../../support/ssh-hosts.ts';
import { launchSpec } from '../launch-spec.ts';
import { beginningOf } from '../process/harness.ts';
import { throughHost } from '../through-hosts.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };

export async function harnessOn(hosts: SshHosts, host: string): Promise<LauncherHarness> {
  const traces = join(hosts.dir, 'traces');
  await mkdir(traces, { recursive: true });
  const listed = await readHosts(hosts.file);
  const open = (installation: string) =>
    new SshLauncher(
      {
        path: hosts.file,
        installation,
        clock: realClock,
        log,
        logs: createRunLogs({ dir: join(hosts.dir, 'logs'), clock: realClock }),
        secrets: secretsFrom(),
        logBytes: 1_000_000,
        environment: process.env,
        bare: (argv) => argv,
      },
      listed,
    );
  const createLauncher = (installation = 'conformance'): Launcher => {
    const ssh = open(installation);
    const there = ssh.at(host);
    if (there === undefined) throw new Error(`no host ${host}`);
    return throughHost({
      engine: 'ssh',
      host,
      engineHosts: ssh.list().filter(({ id }) => id === host),
      there: {
        changes: (term, after) => there.changes(term, after),
        launchFor: (spec, ticket, mayStart) => there.launchFor(spec, ticket, mayStart),
        kill: (name, graceMs) => there.kill(name, graceMs),
        takeBack: (name) => there.takeBack(name),
        remove: (name) => there.remove(name),
        inventory: () => there.inventory(),
      },
      logs: (name, query) => there.logs(name, query),
      describe: () => there.describe(),
      start: () => ssh.start(),
      stop: () => ssh.stop(),
    });
  };
  return {
    traces,
    tracesInJob: traces,
    createLauncher,
    spec: (script, overrides) => launchSpec(script, { engine: 'ssh', image: null }, overrides),
    async leaveCreated(spec) {
      const [one] = listed;
      const { agent, hello, close } = await connect({
        ...{ host: one!, installation: 'conformance', clock: realClock, environment: process.env },
        bare: (argv) => argv,
        signal: new AbortController().signal,
      });
      const launches = new HostLaunches({ agent: () => agent, clock: realClock, logBytes: 1_000_000, host });
      const beginning = beginningOf(spec);
      const record = { ...beginning.record, boot: hello.boot };
      expect((await launches.begin({ ...beginning, record }, () => false)).kind).toBe('withdrawn');
      close();
    },
    async everythingKept(launchName) {
      const paths = readdirSync(hosts.folder(host), { recursive: true, withFileTypes: true });
      expect(paths.map(({ name }) => name)).toContain(launchName);
      const files = paths.filter((entry) => entry.isFile() && !entry.name.startsWith('supervisor'));
      const kept = files
        .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
        .join('\n');
      return kept;
    },
    async close() {},
  };
}
