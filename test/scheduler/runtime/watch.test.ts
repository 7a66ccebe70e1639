/** What the leader sees when it looks at what it depends on. */

import { describe, expect, test } from 'vitest';
import type { CommitFigures } from '../../../src/scheduler/handle.ts';
import type { Trouble } from '../../../src/scheduler/model/alert.ts';
import { textOf } from '../../../src/scheduler/model/reason.ts';
import type { EngineDescription, Launcher } from '../../../src/scheduler/ports.ts';
import { Watch } from '../../../src/scheduler/runtime/health/watch.ts';
import { SimClock } from '../../support/sim-clock.ts';
import { World } from '../../support/world.ts';

const well: EngineDescription = { reachable: true, version: '1', detail: null };

interface Seen {
  readonly engine?: string;
  readonly describe?: () => Promise<EngineDescription>;
  readonly expiries?: Launcher['expiries'];
  readonly commits?: () => CommitFigures;
}

/** The troubles of the last look after two minutes. */
async function troubles({ engine = 'docker', describe: of = async () => well, expiries, commits }: Seen) {
  const clock = new SimClock(Date.parse('2026-01-01T00:00:00Z'));
  const looks: (readonly Trouble[])[] = [];
  const watch = new Watch({
    launchers: new Map([[engine, { engine, describe: of, ...(expiries && { expiries }) } as Launcher]]),
    commits: commits ?? (() => ({ times: { bounds: [1], counts: [0, 0], sum: 0 }, failed: 0 })),
    clock,
    onLooked: (seen) => void looks.push(seen),
  });
  watch.start();
  await clock.advance(125_000);
  watch.stop();
  return (looks.at(-1) ?? []).map(({ condition, subject, reason }) => [condition, subject, textOf(reason)]);
}

describe('the leader sees', () => {
  test('nothing when all is well', async () => {
    expect(await troubles({})).toEqual([]);
  });

  test('an engine that is unreachable, with what it says', async () => {
    const gone = { ...well, reachable: false, detail: 'connection refused' };
    expect(await troubles({ describe: async () => gone })).toEqual([
      ['engine-unreachable', 'docker', 'connection refused'],
    ]);
  });

  test('an engine that does not answer at all', async () => {
    expect(await troubles({ describe: () => new Promise(() => undefined) })).toEqual([
      ['engine-unreachable', 'docker', 'it does not respond in time'],
    ]);
  });

  test('the hosts of an engine that are unreachable, not the engine', async () => {
    const hosts = [
      { name: 'web-1', reachable: true, detail: null },
      { name: 'web-2', reachable: false, detail: 'no route to host' },
    ];
    expect(await troubles({ engine: 'ssh', describe: async () => ({ ...well, hosts }) })).toEqual([
      ['engine-unreachable', 'ssh.web-2', 'no route to host'],
    ]);
  });

  test('a certificate that ends within two weeks, and none that ends later', async () => {
    const expiries = async () => [
      { name: 'my cert:1.pem', at: Date.parse('2026-01-10T00:00:00Z') },
      { name: 'ca.pem', at: Date.parse('2026-02-10T00:00:00Z') },
    ];
    expect(await troubles({ expiries })).toEqual([
      ['expiring', 'docker.my_cert_1.pem', 'it ends at 2026-01-10T00:00:00.000Z'],
    ]);
  });

  /** Quick, slow and failed commits of each look. */
  const committing = (quick: number, slow: number, failed: number) => {
    let looks = 0;
    return (): CommitFigures => {
      const times = { bounds: [0.1, 1, 10], counts: [quick, quick, quick + slow, quick + slow], sum: 0 };
      const figures = {
        times: { ...times, counts: times.counts.map((each) => each * looks) },
        failed: failed * looks,
      };
      looks += 1;
      return figures;
    };
  };

  test.each([
    [1, 2, 0, [['store-slow', '', '8 of the last 12 commits took longer than a second or failed']]],
    [1, 0, 3, [['store-slow', '', '12 of the last 16 commits took longer than a second or failed']]],
    [8, 2, 0, []],
    [0, 0.5, 0, [['store-slow', '', '2 of the last 2 commits took longer than a second or failed']]],
    [0, 0.25, 0, []],
  ])('%d quick, %d slow and %d failed commits as it should', async (quick, slow, failed, expected) => {
    expect(await troubles({ commits: committing(quick, slow, failed) })).toEqual(expected);
  });
});

test('a leader opens an alert about an engine that stays unreachable, and ends it', async () => {
  const world = await World.at('2026-01-01T00:00:00Z');
  world.engine.down = true;
  await world.clock.advance(120_000);
  expect([...world.scheduler.alerts()]).toMatchObject([
    { condition: 'engine-unreachable', subject: 'process', job: null },
  ]);
  world.engine.down = false;
  await world.clock.advance(30_000);
  expect([...world.scheduler.alerts()]).toEqual([]);
});
