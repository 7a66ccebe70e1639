/** Runs jobs one after the other, each with a launcher of its own, and leaves nothing behind. */

import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { LaunchSpec } from '../../../src/scheduler/job/spec.ts';
import type { Launcher, Observation } from '../../../src/scheduler/ports.ts';
import { endAll } from '../../conformance/launcher.ts';
import { until } from '../../support/until.ts';
import { processSpec } from '../launch-spec.ts';
import { type ProcessHarness, processHarness, warnings } from './harness.ts';

/** One harness, and a launcher for each test. */
export function world(under: Parameters<typeof processHarness>[0]) {
  let harness: ProcessHarness;
  const open: Launcher[] = [];
  let sequence = 0;
  beforeAll(async () => {
    harness = await processHarness(under);
    await chmod(join(harness.dir, '..'), 0o755);
    await chmod(harness.traces, 0o777);
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((launcher) => launcher.stop()));
    const sweeper = harness.create();
    await sweeper.start();
    await endAll(sweeper);
    await sweeper.stop();
    expect(warnings.splice(0)).toEqual([]);
  });
  afterAll(() => harness.close());

  async function begin(options: Parameters<ProcessHarness['create']>[0] = {}) {
    const launcher = harness.create(options);
    open.push(launcher);
    const seen: Observation[] = [];
    launcher.onObservation((observation) => seen.push(observation));
    await launcher.start();
    type Ended = Extract<Observation, { kind: 'ended' }>;
    const find = (name: string) =>
      seen.find((one): one is Ended => one.launchName === name && one.kind === 'ended');
    const ended = (name: string): Promise<Ended> => until(`the end of ${name}`, () => find(name), 20_000);
    return { launcher, seen, ended };
  }
  const job = (script: string, overrides: Partial<LaunchSpec> = {}) =>
    processSpec(script, { launchName: `held-${++sequence}`, ...overrides });
  const trace = () => join(harness.traces, `held-${++sequence}`);
  async function run(script: string, overrides: Partial<LaunchSpec> = {}) {
    const { launcher, ended } = await begin();
    const spec = job(script, overrides);
    await launcher.launch(spec);
    const { exitCode, reason, cause } = await ended(spec.launchName);
    const parts: Uint8Array[] = [];
    for await (const { bytes } of launcher.logs(spec.launchName, {})) parts.push(bytes);
    return { exitCode, reason, cause, output: Buffer.concat(parts).toString() };
  }
  return { begin, run, job, trace, harness: () => harness };
}
