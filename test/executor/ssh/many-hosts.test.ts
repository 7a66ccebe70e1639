/** A launch on as many hosts as a file may have, with the longest names. The agent runs here, without SSH. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connect } from '../../../src/executor/ssh/connection.ts';
import { hostsFileLimits, parseHosts } from '../../../src/executor/ssh/hosts-file.ts';
import { HostLaunches } from '../../../src/executor/ssh/launches.ts';
import { realClock } from '../../../src/node/clock.ts';
import { launchSpec } from '../launch-spec.ts';
import { beginningOf } from '../process/harness.ts';

test.runIf(process.platform === 'linux')('names all of them, and so does the next scheduler', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-many-'));
  const [host] = parseHosts(JSON.stringify([{ name: 'a', folder }]), 'hosts.yaml');
  const { agent, close } = await connect({
    ...{ host: host!, installation: 'i', clock: realClock, environment: process.env },
    bare: (argv) => ['sh', '-c', argv.at(-1) ?? ''],
    signal: new AbortController().signal,
  });
  try {
    const hosts = Array.from({ length: hostsFileLimits.hosts }, (_, at) => String(at).padStart(63, 'h'));
    hosts[0] = 'a';
    const beginning = beginningOf(launchSpec('true', { engine: 'ssh', image: null }, {}));
    const parts = { agent: () => agent, clock: realClock, logBytes: 1_000_000, host: 'a' };
    const record = { ...beginning.record, hosts };
    await new HostLaunches(parts).begin({ ...beginning, record }, () => false);
    const next = new HostLaunches(parts);
    expect(await next.names()).toEqual([beginning.name]);
    expect(next.hostsOf(beginning.name)).toEqual(hosts);
  } finally {
    close();
    rmSync(folder, { recursive: true, force: true });
  }
});
