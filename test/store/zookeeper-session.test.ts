import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { realClock } from '../../src/clock.ts';
import type { Log } from '../../src/scheduler/ports.ts';
import {
  createZooKeeperSession,
  type SessionOptions,
  type ZooKeeperSession,
} from '../../src/store/zookeeper-session.ts';
import { ZooKeeper, zookeeperMissing } from '../support/zookeeper.ts';

const quiet: Log = { info() {}, warn() {}, error() {}, debug() {} };
const sessions: ZooKeeperSession[] = [];

function session(hosts: string, options: Partial<SessionOptions> = {}): ZooKeeperSession {
  const made = createZooKeeperSession({
    hosts,
    sessionTimeoutMs: 4_000,
    auth: null,
    clock: realClock,
    log: quiet,
    ...options,
  });
  sessions.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(sessions.splice(0).map((each) => each.close()));
});

describe.skipIf(zookeeperMissing !== null)('a session with one server', () => {
  let zookeeper: ZooKeeper;
  beforeAll(async () => {
    zookeeper = await ZooKeeper.start({ nodes: 1 });
  });
  afterAll(() => zookeeper.stop());

  test('makes, reads, changes and removes nodes below its chroot', async () => {
    const one = session(`${zookeeper.connect}/a/b`);
    await one.start();
    expect(one.state).toBe('connected');
    expect(one.generation).toBe(1);
    expect(await one.create('/x', Buffer.from('first'))).toBe('/x');
    expect(await one.get('/x')).toEqual({ data: Buffer.from('first'), version: 0 });
    expect(await one.get('/y')).toBeNull();
    await one.multi([
      { kind: 'set', path: '/x', data: Buffer.from('second'), version: 0 },
      { kind: 'create', path: '/y', data: Buffer.alloc(0) },
      { kind: 'check', path: '/x', version: 1 },
    ]);
    expect((await one.children('/')).sort()).toEqual(['x', 'y']);
    await one.sync();
    expect(await one.getMany(['/x', '/none', '/y'])).toEqual([
      { data: Buffer.from('second'), version: 1 },
      null,
      { data: Buffer.alloc(0), version: 0 },
    ]);
    await expect(one.multi([{ kind: 'remove', path: '/x', version: 0 }])).rejects.toMatchObject({
      code: 'BAD_VERSION',
      opIndex: 0,
    });
    expect(await one.create('/n_', Buffer.alloc(0), 'ephemeral-sequential')).toBe('/n_0000000002');
    expect(one.silenceMs()).toBeLessThan(4_000);
  });
});
