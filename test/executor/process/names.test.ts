/**
 * The name of a launch is taken away only by whoever holds the lock of the file that has it: however slow one scheduler is,
 * it never frees a name that another one has given to a launch since.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createRunLogs, type RunLogs } from '../../../src/executor/logs/run-logs.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { LaunchSpec } from '../../../src/scheduler/job/spec.ts';
import { until } from '../../support/until.ts';
import { world } from './world.ts';

describe.skipIf(process.platform !== 'linux')('the name of a launch', () => {
  const { begin, job: jobOf, trace, harness } = world('cgroups');
  function job() {
    const out = trace();
    const lines = () => (existsSync(out) ? readFileSync(out, 'utf8').trim().split('\n') : []);
    return { spec: jobOf(`echo ran >> ${out}`), lines };
  }
  const next = (spec: LaunchSpec): LaunchSpec => ({ ...spec, term: spec.term + 1 });
  const names = () => readdirSync(join(harness().dir, 'launches'));

  /** Logs that keep nothing before they may. */
  function slowLogs() {
    const logs = createRunLogs({ dir: join(harness().dir, 'logs'), clock: realClock });
    let proceed = () => {};
    const may = new Promise<void>((resolve) => {
      proceed = resolve;
    });
    let isReached = false;
    const keep: RunLogs['keep'] = async (...launch) => {
      isReached = true;
      await may;
      return logs.keep(...launch);
    };
    return { logs: { ...logs, keep }, reached: () => until('it keeps', () => isReached), proceed };
  }

  test('stays with the launch that has it by the time a slow scheduler removes an earlier one', async () => {
    const { spec, lines } = job();
    await harness().leaveCreated(spec);
    const { logs, reached, proceed } = slowLogs();
    const slow = await begin({ logs });
    const removed = slow.launcher.remove(spec.launchName);
    await reached();
    const quick = await begin();
    await quick.launcher.launch(next(spec));
    await quick.ended(spec.launchName);
    proceed();
    await removed;
    expect(names()).toEqual([spec.launchName]);
    const third = await begin();
    await third.launcher.launch(next(next(spec)));
    await third.ended(spec.launchName);
    expect(lines()).toEqual(['ran']);
  });

  test('gives no orders to the launch that has it by the time a slow scheduler orders something', async () => {
    const { spec } = job();
    const { leaveCreated, launches } = harness();
    await leaveCreated(spec);
    const old = await launches.open(spec.launchName);
    await old?.discard();
    await leaveCreated(next(spec));
    const before = readFileSync(join(harness().dir, 'launches', spec.launchName));
    expect(await old?.takeBack()).toBe(true);
    await expect(old?.note('ended 1 0\n')).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
    await old?.discard();
    expect(readFileSync(join(harness().dir, 'launches', spec.launchName)).equals(before)).toBe(true);
  });
});
