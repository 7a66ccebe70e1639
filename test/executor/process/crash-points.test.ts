/** A process of a launch is killed at each of its system calls in turn: no job runs twice, and nothing stays behind. */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realClock } from '../../../src/node/clock.ts';
import type { Clock } from '../../../src/scheduler/ports.ts';
import { until } from '../../support/until.ts';
import { processSpec } from '../launch-spec.ts';
import { type ProcessHarness, processesIn, processHarness, warnings } from './harness.ts';

/** The kernel of the emulators that build packages for other machines knows no tracing. */
const able =
  process.platform === 'linux' && process.arch === 'x64' && spawnSync('gcc', ['--version']).status === 0;
const root = process.getuid?.() === 0;
/** After that, what a killed server left in `scratch` is cleared. */
const hours = 2 * 3_600_000;

let harness: ProcessHarness;
let crasher: string;
const pathOf = (name: string): string => join(harness.traces, name);
beforeAll(async () => {
  if (!able) return;
  harness = await processHarness();
  await chmod(join(harness.dir, '..'), 0o755);
  await chmod(harness.traces, 0o777);
  crasher = pathOf('crasher');
  const defined = { PROGRAM: harness.supervisor, PLAN: pathOf('plan'), RESULT: pathOf('result') };
  const given = Object.entries(defined).map(([name, text]) => `-D${name}="${text}"`);
  execFileSync('gcc', ['-O1', '-w', ...given, '-o', crasher, join(import.meta.dirname, 'crasher.c')]);
});
afterAll(async () => {
  if (!able) return;
  await harness.close();
  expect(warnings).toEqual([]);
});

const lines = (path: string): number =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;

/** Of one launch, whose process of this level is killed at its n-th system call, and which is then launched again. */
async function launchedTwice(level: number, nth: number) {
  const [launchName, out] = [`crash-${level}-${nth}`, pathOf('out')];
  for (const name of ['out', 'result']) rmSync(pathOf(name), { force: true });
  writeFileSync(pathOf('plan'), `${level} ${nth}`);
  // Enough output for further parts, of which one is removed.
  const script = `echo ran >> ${out}; for n in 1 2 3 4 5; do printf '%0150d\\n' $n; done; exit 7`;
  const spec = processSpec(script, { launchName, user: root ? '65534:65534' : null });
  const first = harness.create({ supervisor: crasher, logBytesPerStream: 400 });
  await first.start();
  const refused = await first.launch(spec).catch((error) => error);
  expect([undefined, 'ENGINE_UNAVAILABLE']).toContain(refused?.code);
  await first.stop();
  const next = harness.create({ logBytesPerStream: 400 });
  await next.start();
  await next.launch({ ...spec, term: 2 });
  const report = await until('its end', async () => {
    const [only] = await next.inventory();
    return only?.state === 'ended' ? only : null;
  });
  const ran = lines(out);
  await next.remove(launchName);
  for await (const _ of next.logs(launchName, {}));
  await next.stop();
  await nothingLeft();
  const told = pathOf('result');
  await until('the tracer', () => existsSync(told));
  const result = readFileSync(told, 'utf8');
  return { result, end: report.cause?.code ?? report.exitCode, ran };
}

async function nothingLeft(): Promise<void> {
  await until('no process', async () => (await processesIn(harness.dir)).length === 0);
  for (const folder of ['launches', 'tails', 'work']) {
    expect([folder, ...readdirSync(join(harness.dir, folder))]).toEqual([folder]);
  }
}

describe.skipIf(!able)(`killed at any system call${able ? '' : ' (skipped: no gcc, or not on x64)'}`, () => {
  /** Exit code, or how it was lost, and how often the job ran. */
  const whole = [7, 1];
  test.each<[string, number, readonly unknown[][]]>([
    ['the program that starts processes', 0, [whole]],
    // Killed after the start was noted, before or after the job ran.
    ['the supervisor', 1, [whole, ['supervisor-lost', 0], ['supervisor-lost', 1]]],
    // Its own end, as of each job that is killed.
    ['the job before it is its program', 2, [whole, [137, 0]]],
  ])(
    '%s leaves a launch that runs once or is lost',
    async (_, level, ends) => {
      const seen: unknown[][] = [];
      for (let nth = 1, result = ''; result !== 'untouched'; nth++) {
        const launch = await launchedTwice(level, nth);
        result = launch.result;
        expect(['hit', 'untouched']).toContain(result);
        seen.push([launch.end, launch.ran]);
        expect(ends, `killed at call ${nth}`).toContainEqual(seen.at(-1));
      }
      expect(seen).toEqual(expect.arrayContaining([...ends]));
      const later = harness.create({ clock: { ...realClock, now: () => realClock.now() + hours } });
      await later.start();
      await until('scratch is clear', () => readdirSync(join(harness.dir, 'scratch')).length === 0);
      await later.stop();
    },
    60_000,
  );
});

test.skipIf(!able)(
  'while a scheduler is about to free a name, no other one gives it to a launch',
  async () => {
    const [launchName, out] = ['held', pathOf('held')];
    for (const name of ['result', 'held']) rmSync(pathOf(name), { force: true });
    writeFileSync(pathOf('plan'), '0 0');
    const spec = processSpec(`echo ran >> ${out}`, { launchName });
    await harness.leaveCreated(spec);
    const slow = harness.create({ supervisor: crasher });
    await slow.start();
    const freed = slow.takeBack(launchName);
    await until('it is about to', () => existsSync(pathOf('result')));
    let isTold = false;
    const after: Clock['after'] = (...timer) => {
      isTold = true;
      return realClock.after(...timer);
    };
    const quick = harness.create({ clock: { ...realClock, after } });
    await quick.start();
    const launched = quick.launch({ ...spec, term: 2 }).finally(() => {
      isTold = true;
    });
    await until('the other one waits, or has launched it', () => isTold);
    expect(lines(out)).toBe(0);
    rmSync(pathOf('plan'));
    await Promise.all([freed, launched]);
    await until('its end', async () => (await quick.inventory())[0]?.state === 'ended');
    const third = harness.create();
    await third.start();
    await third.launch({ ...spec, term: 3 });
    expect((await third.inventory()).map(({ state }) => state)).toEqual(['ended']);
    expect(lines(out)).toBe(1);
    await third.remove(launchName);
    for (const launcher of [slow, quick, third]) await launcher.stop();
    await harness.launches.stop();
    await nothingLeft();
  },
);
