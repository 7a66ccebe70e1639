/** An engine lent to a leader on another node: what it tells, and what it does not start. */

import { describe, expect, test } from 'vitest';
import type { LaunchSpec } from '../../../src/scheduler/job/spec.ts';
import { observationLimits } from '../../../src/scheduler/observations.ts';
import type { Launcher, Ticket } from '../../../src/scheduler/ports.ts';
import { LentEngine, TICKET_MS } from '../../../src/scheduler/runtime/lent-engine.ts';
import { createFakeLauncher, FakeEngine } from '../../support/fake-launcher.ts';
import { SimClock } from '../../support/sim-clock.ts';

function rig() {
  const clock = new SimClock(Date.parse('2026-01-01T00:00:00Z'));
  const engine = new FakeEngine(clock);
  const launcher = createFakeLauncher(engine);
  const known = { term: 1 };
  /** What happens before a launch begins, and before it starts. */
  const meanwhile = { before: async (): Promise<void> => undefined };
  const slow: Launcher = {
    ...launcher,
    launch: async (spec, mayStart = () => true) => {
      await meanwhile.before();
      if (mayStart()) engine.start(spec);
    },
  };
  const boot = (): LentEngine => {
    const lent = new LentEngine({ launcher: slow, installation: 'i', clock, term: () => known.term });
    engine.listeners.add((observation) => lent.observed(observation));
    return lent;
  };
  const spec = (launchName: string, term = 1, installation = 'i'): LaunchSpec =>
    ({ launchName, term, installation, job: 'a', engine: 'process' }) as LaunchSpec;
  return { clock, engine, known, meanwhile, boot, lent: boot(), spec };
}

const ticketOf = async (lent: LentEngine, term = 1): Promise<Ticket> =>
  (await lent.changes(term, null)).ticket;

describe('a launch', () => {
  test('is started with a recent ticket', async () => {
    const { engine, lent, spec } = rig();
    await lent.launchFor(spec('x'), await ticketOf(lent));
    expect([...engine.starts]).toEqual([['x', 1]]);
  });

  test.each<[string, (given: ReturnType<typeof rig>) => Promise<void> | void]>([
    ['its ticket is too old', ({ clock }) => clock.advance(TICKET_MS + 1)],
    ['a newer leader has asked', async ({ lent }) => void (await ticketOf(lent, 2))],
    ['the election knows a newer term', ({ known }) => void (known.term = 2)],
  ])('is not started once %s, nor if that happens while it is prepared', async (_, happens) => {
    const late = rig();
    const ticket = await ticketOf(late.lent);
    await happens(late);
    await expect(late.lent.launchFor(late.spec('x'), ticket)).rejects.toMatchObject({ code: 'NO_PLACE' });
    const between = rig();
    between.meanwhile.before = async () => happens(between);
    await between.lent.launchFor(between.spec('x'), await ticketOf(between.lent)).catch(() => undefined);
    expect([late.engine.started, between.engine.started]).toEqual([[], []]);
  });

  test('is not started with a ticket from before a restart', async () => {
    const { clock, engine, lent, boot, spec } = rig();
    const ticket = await ticketOf(lent);
    await clock.advance(1);
    await expect(boot().launchFor(spec('x'), ticket)).rejects.toMatchObject({ code: 'NO_PLACE' });
    expect(engine.started).toEqual([]);
  });

  test('of another installation is refused', async () => {
    const { lent, spec } = rig();
    const refused = lent.launchFor(spec('x', 1, 'another'), await ticketOf(lent));
    await expect(refused).rejects.toMatchObject({ code: 'LAUNCH_REFUSED' });
  });
});

test('an inventory for a newer leader has what an older one was about to start', async () => {
  const { clock, lent, meanwhile, spec } = rig();
  const ticket = await ticketOf(lent);
  let go = (): void => undefined;
  meanwhile.before = () => new Promise((resolve) => (go = resolve));
  const launch = lent.launchFor(spec('x'), ticket);
  await lent.changes(2, null);
  let isDone = false;
  const inventory = lent.inventory().finally(() => {
    isDone = true;
  });
  await clock.settle();
  expect(isDone).toBe(false);
  go();
  await launch;
  // It was not started, and will not be: the newer term was known first.
  expect(await inventory).toEqual([]);
});

describe('what happens', () => {
  test('is told at once to who waits for it, and to who asks later', async () => {
    const { clock, engine, lent, spec } = rig();
    const ticket = await ticketOf(lent);
    const waits = lent.changes(1, ticket);
    engine.start(spec('x'));
    const expected = [{ kind: 'started', launchName: 'x', at: clock.now() }];
    expect((await waits).observations).toEqual(expected);
    expect((await lent.changes(1, ticket)).observations).toEqual(expected);
  });

  test('is waited for for a bounded time', async () => {
    const { clock, lent } = rig();
    const waits = lent.changes(1, await ticketOf(lent));
    await clock.advance(observationLimits.waitMs);
    expect((await waits).observations).toEqual([]);
  });

  test('is waited for no longer once this node stops', async () => {
    const { lent } = rig();
    const waits = lent.changes(1, await ticketOf(lent));
    lent.stop();
    expect((await waits).observations).toEqual([]);
  });

  test('is unknown to who asks first, or asked the process before, or missed too much', async () => {
    const { clock, engine, lent, boot, spec } = rig();
    const ticket = await ticketOf(lent);
    expect((await lent.changes(1, null)).observations).toBeNull();
    await clock.advance(1);
    expect((await boot().changes(1, ticket)).observations).toBeNull();
    for (let i = 0; i <= observationLimits.kept; i++) engine.start(spec(`x${i}`));
    expect((await lent.changes(1, ticket)).observations).toBeNull();
  });
});
