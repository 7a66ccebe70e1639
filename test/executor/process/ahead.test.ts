/**
 * Processes made ready before they are due: what is held is nobody's run, what is opened runs once, and whatever dies in
 * between leaves nothing that starts.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LaunchSpec } from '../../../src/scheduler/job/spec.ts';
import type { Launcher } from '../../../src/scheduler/ports.ts';
import { until } from '../../support/until.ts';
import { crashSpec } from '../launch-spec.ts';
import { processesIn } from './harness.ts';
import { world } from './world.ts';

const root = process.getuid?.() === 0;
const warm = { warm: true, forMs: 60_000, mayStart: () => true };
/** So many may be held at the same time. */
const most = 256;

describe.skipIf(process.platform !== 'linux')('a process made ready ahead of its due time', () => {
  const { begin: beginOne, job: jobOf, trace: path, harness } = world('cgroups');
  async function begin() {
    const one = await beginOne();
    return { ...one, ahead: one.launcher.ahead! };
  }
  /** A job that prints what it does to $OUT. */
  function job(script: string, overrides: Partial<LaunchSpec> = {}) {
    const out = path();
    const lines = () => (existsSync(out) ? readFileSync(out, 'utf8').trim().split('\n') : []);
    return { spec: jobOf(script.replaceAll('$OUT', out), overrides), lines };
  }
  const next = (spec: LaunchSpec): LaunchSpec => ({ ...spec, term: spec.term + 1 });
  const left = (): readonly string[] =>
    ['launches', 'work', 'scratch', 'tails'].flatMap((folder) => readdirSync(join(harness().dir, folder)));
  /** What this process started to start others, and what they started: by process number. */
  const childrenOf = (pid: number): number[] =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  const server = (): number =>
    childrenOf(process.pid).find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith(`${harness().supervisor}\0serve`),
    )!;
  const waiting = (): number[] => childrenOf(server());
  const nothingLeft = () => until('nothing is left', () => left().length === 0);
  const nothingWaits = () => until('nothing waits', () => waiting().length === 0);

  test('waits with its supervisor, and begins when it is opened', async () => {
    const { launcher, ahead, seen, ended } = await begin();
    const { spec, lines } = job('echo $PPID >> $OUT; exit 3');
    await ahead.prepare(spec, warm);
    expect(ahead.isHeld(spec.launchName)).toBe(true);
    const [supervisor] = waiting();
    expect(await launcher.inventory()).toEqual([]);
    expect([seen, lines()]).toEqual([[], []]);
    const before = Date.now();
    await launcher.launch(spec);
    expect(await ended(spec.launchName)).toMatchObject({ exitCode: 3 });
    expect(seen.map(({ kind }) => kind)).toEqual(['started', 'ended']);
    expect((seen[0] as { at: number }).at).toBeGreaterThanOrEqual(before);
    expect(lines()).toEqual([String(supervisor)]);
  });

  test.runIf(root)('belongs to its user, in a folder of its own', async () => {
    const { launcher, ahead, ended } = await begin();
    const { spec, lines } = job('echo $(id -u) $(ls -A | wc -l) > $OUT; touch mine', { user: '65534:65534' });
    await ahead.prepare(spec, warm);
    await launcher.launch(spec);
    expect(await ended(spec.launchName)).toMatchObject({ exitCode: 0 });
    expect(lines()).toEqual(['65534 0']);
  });

  test('a job that was changed is started as it is now', async () => {
    const { launcher, ahead, ended } = await begin();
    const { spec, lines } = job('echo $WHICH >> $OUT', { env: { WHICH: 'old' } });
    await ahead.prepare(spec, warm);
    await launcher.launch({ ...spec, env: { WHICH: 'new' } });
    await ended(spec.launchName);
    expect(lines()).toEqual(['new']);
    await nothingWaits();
  });

  test('a secret that was changed is the one that the job gets', async () => {
    const { launcher, ahead, ended } = await begin();
    const file = path();
    writeFileSync(file, 'old');
    const { spec, lines } = job('echo $TOKEN >> $OUT', { secrets: { TOKEN: { file } } });
    await ahead.prepare(spec, warm);
    writeFileSync(file, 'new');
    await launcher.launch(spec);
    await ended(spec.launchName);
    expect(lines()).toEqual(['new']);
  });

  test('a secret that is gone is refused, and nothing waits any more', async () => {
    const { launcher, ahead } = await begin();
    const file = path();
    writeFileSync(file, 'old');
    const { spec } = job('true', { secrets: { TOKEN: { file } } });
    await ahead.prepare(spec, warm);
    rmSync(file);
    await expect(launcher.launch(spec)).rejects.toMatchObject({ code: 'LAUNCH_REFUSED' });
    await nothingWaits();
    await nothingLeft();
  });

  test('a folder whose name leads elsewhere by then is the new one', async () => {
    const { launcher, ahead, ended } = await begin();
    const [current, fresh] = [path(), path()];
    for (const release of ['old', 'new']) mkdirSync(join(harness().traces, release), { recursive: true });
    symlinkSync('old', current);
    const { spec, lines } = job('pwd -P >> $OUT', { workdir: current });
    await ahead.prepare(spec, warm);
    const pid = await until('its process', () => childrenOf(waiting()[0]!)[0]);
    await until('it is in the old one', () => readlinkSync(`/proc/${pid}/cwd`).endsWith('/old'));
    symlinkSync('new', fresh);
    renameSync(fresh, current);
    await launcher.launch(spec);
    await ended(spec.launchName);
    expect(lines()).toEqual([join(harness().traces, 'new')]);
  });

  test('a leader that has lost its proof prepares nothing, opens nothing, and leaves nothing', async () => {
    const { launcher, ahead } = await begin();
    const [early, late] = [job('echo ran >> $OUT'), job('echo ran >> $OUT')];
    await ahead.prepare(early.spec, { ...warm, mayStart: () => false });
    expect(ahead.isHeld(early.spec.launchName)).toBe(false);
    await ahead.prepare(late.spec, warm);
    await expect(launcher.launch(late.spec, () => false)).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
    });
    await nothingWaits();
    await nothingLeft();
    expect([early.lines(), late.lines()]).toEqual([[], []]);
  });

  test.each<[string, (launcher: Launcher, name: string) => Promise<void>]>([
    ['is discarded', (launcher, name) => launcher.ahead!.discard(name)],
    ['is killed', (launcher, name) => launcher.kill(name, 1_000)],
    ['is taken back', (launcher, name) => launcher.takeBack(name)],
    ['is removed', (launcher, name) => launcher.remove(name)],
    ['is left by a scheduler that stops', (launcher) => launcher.stop()],
  ])('what %s is gone, and was no run', async (_, end) => {
    const { launcher, ahead, seen } = await begin();
    const { spec, lines } = job('echo ran >> $OUT');
    await ahead.prepare(spec, warm);
    const waited = waiting();
    expect(waited).toHaveLength(1);
    await end(launcher, spec.launchName);
    expect(readdirSync(join(harness().dir, 'launches'))).toEqual([]);
    await nothingLeft();
    await until('its supervisor has ended', () => !existsSync(`/proc/${waited[0]}`));
    expect([ahead.isHeld(spec.launchName), seen, lines()]).toEqual([false, [], []]);
  });

  test('what is not launched in its time is gone, and is launched later as ever', async () => {
    const { launcher, ahead, ended } = await begin();
    const { spec, lines } = job('echo ran >> $OUT');
    await ahead.prepare(spec, { ...warm, forMs: 50 });
    await nothingLeft();
    await nothingWaits();
    await launcher.launch(spec);
    await ended(spec.launchName);
    expect(lines()).toEqual(['ran']);
  });

  test('so many wait and no more; the next one starts as ever', async () => {
    const { launcher, ahead, ended } = await begin();
    const jobs = Array.from({ length: most + 1 }, () => job('echo ran >> $OUT'));
    for (const { spec } of jobs) await ahead.prepare(spec, warm);
    const held = jobs.map(({ spec }) => ahead.isHeld(spec.launchName));
    expect(held).toEqual([...Array.from({ length: most }, () => true), false]);
    expect(waiting()).toHaveLength(most);
    const { spec, lines } = jobs.at(-1)!;
    await launcher.launch(spec);
    await ended(spec.launchName);
    expect(lines()).toEqual(['ran']);
  });

  test('what its host cannot start is refused when it is prepared, and when it is launched', async () => {
    const { launcher, ahead } = await begin();
    const { spec } = job('true', { argv: ['/no/such/program'] });
    for (const refused of [ahead.prepare(spec, warm), launcher.launch(spec)])
      await expect(refused).rejects.toMatchObject({ code: 'LAUNCH_REFUSED' });
    await nothingLeft();
  });

  describe('whatever dies when, it is started once', () => {
    test('its scheduler, by SIGKILL: what it leaves never starts, and is the next one’s to start', async () => {
      const { dir, supervisor, cgroups } = harness();
      const out = path();
      const names = ['ahead-left-1', 'ahead-left-2'];
      const child = fork(join(import.meta.dirname, 'crash.ts'), {
        execArgv: ['--import', 'tsx'],
        stdio: 'ignore',
      });
      const told: unknown[] = [];
      child.on('message', (message) => told.push(message));
      child.send({ dir, supervisor, cgroups, out, term: 1, names, ahead: true });
      await until('both wait', () => told.includes('prepared'), 20_000);
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      await until('nothing waits', async () => (await processesIn(dir)).length === 0);
      const { launcher, seen, ended } = await begin();
      const [launched, unwanted] = names as [string, string];
      expect((await launcher.inventory()).sort((a, b) => a.launchName.localeCompare(b.launchName))).toEqual(
        names.map((launchName) => ({ launchName, state: 'created' })),
      );
      expect([seen, existsSync(out)]).toEqual([[], false]);
      await launcher.launch(crashSpec({ name: launched, index: 4, out, term: 2 }));
      expect(await ended(launched)).toMatchObject({ exitCode: 4 });
      await launcher.remove(unwanted);
      expect((await launcher.inventory()).map(({ launchName }) => launchName)).toEqual([launched]);
      expect(readFileSync(out, 'utf8')).toBe(`${launched}\n`);
    });

    test('the program that starts processes', async () => {
      const { launcher, ahead, ended } = await begin();
      const { spec, lines } = job('echo ran >> $OUT');
      await ahead.prepare(spec, warm);
      process.kill(server(), 'SIGKILL');
      await until('it is not held', () => !ahead.isHeld(spec.launchName));
      await nothingLeft();
      await launcher.launch(spec);
      await ended(spec.launchName);
      expect(lines()).toEqual(['ran']);
    });

    test('the program that starts processes, in the moment in which it would open it', async () => {
      const { launcher, ahead, ended } = await begin();
      const { spec, lines } = job('echo ran >> $OUT');
      await ahead.prepare(spec, warm);
      let asked = 0;
      await launcher.launch(spec, () => {
        asked += 1;
        if (asked === 1) process.kill(server(), 'SIGKILL');
        return true;
      });
      await ended(spec.launchName);
      // Each start has its own proof.
      expect([asked, lines()]).toEqual([2, ['ran']]);
    });

    test('its supervisor', async () => {
      const { launcher, ahead, ended } = await begin();
      const { spec, lines } = job('echo ran >> $OUT');
      await ahead.prepare(spec, warm);
      process.kill(waiting()[0]!, 'SIGKILL');
      await until('it is not held', () => !ahead.isHeld(spec.launchName));
      await launcher.launch(spec);
      await ended(spec.launchName);
      expect(lines()).toEqual(['ran']);
    });

    test('nothing, but its leader does not know that it is none: its opening finds nothing', async () => {
      const old = await begin();
      const { spec, lines } = job('echo ran >> $OUT');
      await old.ahead.prepare(spec, warm);
      const { launcher, seen, ended } = await begin();
      expect(await launcher.inventory()).toEqual([{ launchName: spec.launchName, state: 'created' }]);
      expect(seen).toEqual([]);
      await launcher.launch(next(spec));
      await old.launcher.launch(spec);
      await ended(spec.launchName);
      expect(lines()).toEqual(['ran']);
    });

    test('an old and a new leader that launch at the same moment start it once between them', async () => {
      const [old, fresh] = [await begin(), await begin()];
      for (let round = 0; round < 20; round++) {
        const { spec, lines } = job('echo ran >> $OUT');
        await old.ahead.prepare(spec, warm);
        await Promise.all([
          old.launcher.launch(spec).catch(() => {}),
          fresh.launcher.launch(next(spec)).catch(() => {}),
        ]);
        await fresh.launcher.launch(next(spec));
        await fresh.ended(spec.launchName);
        expect(lines()).toEqual(['ran']);
      }
    }, 30_000);
  });
});
