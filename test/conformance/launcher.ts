/**
 * What every launcher must hold, as one suite over a real engine. Jobs are /bin/sh scripts that leave traces
 * in a folder outside the system, so that "started once" is counted by what happened and not by what the
 * launcher says. Nothing sleeps: jobs wait at gates, the tests wait for observations and traces.
 */

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CarillonError } from '../../src/errors.ts';
import type { Engine } from '../../src/executor/engine.ts';
import type { EngineAbilities } from '../../src/scheduler/job/engine-abilities.ts';
import type { LaunchSpec } from '../../src/scheduler/job/spec.ts';
import type { Launcher, LogChunk, LogQuery, Observation } from '../../src/scheduler/ports.ts';
import { until } from '../support/until.ts';

export interface LauncherHarness {
  /** A launcher over the same state each time: a second call is a restart, or another scheduler. */
  createLauncher(cluster?: string): Launcher;
  /** A spec for this engine that runs `script` with /bin/sh and can reach `tracesInJob`. */
  spec(script: string, overrides: Partial<LaunchSpec>): LaunchSpec;
  /** A folder of this machine, and where jobs see it. */
  readonly traces: string;
  readonly tracesInJob: string;
  /** Leaves what a scheduler leaves that died between creating and starting. */
  leaveCreated(spec: LaunchSpec): Promise<void>;
  /** Everything the engine or the launcher keeps of a launch, as text: files, inspect output. */
  everythingKept(launchName: string): Promise<string>;
  /** Removes all, and fails if anything is left running. */
  close(): Promise<void>;
}

export type LauncherCase = 'secrets' | 'masks' | 'leftover' | 'race' | 'clusters' | 'times';

const installation = 'conformance';
let sequence = 0;

export function launcherConformance(
  engine: Engine,
  makeHarness: () => Promise<LauncherHarness>,
  {
    /** Cases that this engine cannot pass, each with the reason. */
    skips = {},
    /** On a host that does not offer all. */
    limits,
    abilities = engine.abilities,
  }: {
    readonly skips?: Partial<Record<LauncherCase, string>>;
    readonly limits?: string;
    readonly abilities?: EngineAbilities;
  } = {},
): void {
  describe(`a launcher of engine ${engine.name}${limits === undefined ? '' : `, ${limits}`}`, () => {
    let harness: LauncherHarness;
    const open: Launcher[] = [];

    beforeAll(async () => {
      harness = await makeHarness();
    });

    afterEach(async () => {
      await Promise.all(open.splice(0).map((launcher) => launcher.stop()));
      const sweeper = harness.createLauncher(installation);
      await sweeper.start();
      await endAll(sweeper);
      await sweeper.stop();
    });

    afterAll(async () => {
      await harness?.close();
    });

    /** A started launcher and what it observed. */
    async function begin(): Promise<{ launcher: Launcher; seen: Seen }> {
      const launcher = harness.createLauncher(installation);
      open.push(launcher);
      const seen = record(launcher);
      await launcher.start();
      return { launcher, seen };
    }

    function job(script: string, overrides: Partial<LaunchSpec> = {}): LaunchSpec {
      const launchName = `conf-${process.pid}-${Date.now().toString(36)}-${++sequence}`;
      return harness.spec(script, { launchName, installation, ...overrides });
    }

    /** A file in the traces, by its name for tests and for jobs. */
    function trace(): { here: string; inJob: string; lines(): string[]; make(): void } {
      const name = `trace-${++sequence}`;
      const here = join(harness.traces, name);
      return {
        here,
        inJob: `${harness.tracesInJob}/${name}`,
        lines: () => (existsSync(here) ? readFileSync(here, 'utf8').split('\n').filter(Boolean) : []),
        make: () => writeFileSync(here, ''),
      };
    }

    /** Script text that goes on once the gate is made. */
    const waitFor = (gate: { inJob: string }): string => `while [ ! -e ${gate.inJob} ]; do sleep 0.02; done`;

    test('has the name and the abilities that its engine tells of', () => {
      const launcher = harness.createLauncher(installation);
      expect(launcher.engine).toBe(engine.name);
      expect(launcher.ahead !== undefined).toBe(Object.values(abilities.ahead).includes(null));
    });

    describe('tells how a launch goes', () => {
      test.each([0, 7])('reports exit code %i with the times of start and end', async (code) => {
        const { launcher, seen } = await begin();
        const before = Date.now();
        const spec = job(`exit ${code}`);
        await launcher.launch(spec);
        const ended = await seen.ended(spec.launchName);
        expect(ended.exitCode).toBe(code);
        const started = seen.of(spec.launchName).find((observation) => observation.kind === 'started')!;
        // Engines stamp with a coarser clock than Date.now(): allow for one tick of it.
        expect(started.at).toBeGreaterThan(before - 50);
        expect(ended.at).toBeGreaterThanOrEqual(started.at);
        expect(ended.at).toBeLessThanOrEqual(Date.now() + 50);
      });

      test('says started before ended', async () => {
        const { launcher, seen } = await begin();
        const specs = Array.from({ length: 10 }, () => job('exit 0'));
        await Promise.all(specs.map((spec) => launcher.launch(spec)));
        for (const { launchName } of specs) {
          await seen.ended(launchName);
          expect(seen.of(launchName).map(({ kind }) => kind)).toEqual(['started', 'ended']);
        }
      });

      test('a burst of 50 ends fifty times', async () => {
        const { launcher, seen } = await begin();
        const out = trace();
        const specs = Array.from({ length: 50 }, () => job(`echo ran >> ${out.inJob}`));
        await Promise.all(specs.map((spec) => launcher.launch(spec)));
        for (const { launchName } of specs) expect((await seen.ended(launchName, 60_000)).exitCode).toBe(0);
        expect(out.lines()).toHaveLength(50);
      }, 90_000);

      test.each([1, 2])(
        'starts nothing for a leader that has lost its proof when it is asked the time %i',
        async (time) => {
          const { launcher, seen } = await begin();
          const out = trace();
          const spec = job(`echo ran >> ${out.inJob}`);
          let asked = 0;
          const launched = launcher.launch(spec, () => ++asked < time);
          // Engines that create and start in one step ask once.
          const error = await launched.then(
            () => null,
            (reason: unknown) => reason,
          );
          if (asked < time) return;
          expect(error).toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
          expect(await launcher.inventory()).toEqual([]);
          await launcher.launch({ ...spec, term: spec.term + 1 });
          await seen.ended(spec.launchName);
          expect(out.lines()).toEqual(['ran']);
        },
      );

      test('taking back leaves what runs or ran', async () => {
        const { launcher, seen } = await begin();
        const gate = trace();
        const spec = job(waitFor(gate));
        await launcher.launch(spec);
        await launcher.takeBack(spec.launchName);
        gate.make();
        expect((await seen.ended(spec.launchName)).exitCode).toBe(0);
        await launcher.takeBack(spec.launchName);
        await launcher.takeBack('unknown');
        expect(await launcher.inventory()).toMatchObject([{ launchName: spec.launchName, state: 'ended' }]);
      });

      test('a refused launch says so and leaves nothing', async () => {
        const { launcher } = await begin();
        const spec = job('exit 0', { secrets: { TOKEN: { file: '/nowhere/token' } } });
        const error = await launcher.launch(spec).then(
          () => null,
          (reason: unknown) => reason,
        );
        expect(error).toBeInstanceOf(CarillonError);
        expect(error).toMatchObject({ code: 'LAUNCH_REFUSED' });
        expect((error as CarillonError).message).toContain('/nowhere/token');
        expect(await launcher.inventory()).toEqual([]);
      });
    });

    describe('gives a job what the spec says', () => {
      test('environment and secrets arrive, and the secret is kept nowhere', async (context) => {
        const { launcher, seen } = await begin();
        const gate = trace();
        const file = join(harness.traces, 'secret-file');
        writeFileSync(file, 'hush-4711\n');
        const script = `echo "$CARILLON_JOB/$GREETING"; [ "$TOKEN" = hush-4711 ] && echo right; ${waitFor(gate)}`;
        const env = { CARILLON_JOB: 'sales', GREETING: "it's $HOME" };
        const spec = job(script, { env, secrets: { TOKEN: { file } } });
        await launcher.launch(spec);
        await until('output', async () => (await text(launcher, spec.launchName)).includes('right'));
        if (skips.secrets) context.skip(skips.secrets);
        // The script itself names the secret, so look for it without what the test wrote there.
        const kept = (await harness.everythingKept(spec.launchName)).replaceAll('= hush-4711', '');
        expect(kept).not.toContain('hush-4711');
        gate.make();
        expect((await seen.ended(spec.launchName)).exitCode).toBe(0);
        expect(await text(launcher, spec.launchName)).toBe("sales/it's $HOME\nright\n");
      });
    });

    describe('keeps the output', () => {
      test('stdout and stderr apart, whole or the last lines', async () => {
        const { launcher, seen } = await begin();
        const spec = job('for n in 1 2 3 4 5; do echo out $n; echo err $n >&2; done');
        await launcher.launch(spec);
        await seen.ended(spec.launchName);
        const read = (query: LogQuery) => text(launcher, spec.launchName, query);
        expect(await read({ stream: 'stdout' })).toBe('out 1\nout 2\nout 3\nout 4\nout 5\n');
        expect(await read({ stream: 'stderr', tail: 2 })).toBe('err 4\nerr 5\n');
        expect(await read({ stream: 'stdout', tail: 0 })).toBe('');
        expect(await read({ stream: 'stdout', tail: 99 })).toContain('out 1\n');
        const both = await read({});
        expect(both).toContain('out 5\n');
        expect(both).toContain('err 5\n');
      });

      test('without the values of its secrets, whoever started it', async (context) => {
        if (skips.masks) context.skip(skips.masks);
        const { launcher } = await begin();
        const gate = trace();
        const file = join(harness.traces, 'masked-file');
        writeFileSync(file, 'hush-4712\n');
        const script = `T="$TOKEN"; printf 'a hush'; sleep 0.1; echo "\${T#hush} b"; ${waitFor(gate)}; echo "it is $T"`;
        const spec = job(script, { secrets: { TOKEN: { file } } });
        await launcher.launch(spec);
        await until('output', async () => (await text(launcher, spec.launchName)).includes('b'));
        await launcher.stop();
        rmSync(file);
        const { launcher: next, seen: later } = await begin();
        const read = (query: LogQuery = {}) => text(next, spec.launchName, query);
        expect(await read()).toBe('a *** b\n');
        const followed = read({ follow: true });
        gate.make();
        expect((await later.ended(spec.launchName)).exitCode).toBe(0);
        const all = 'a *** b\nit is ***\n';
        expect([await followed, await read(), await read({ tail: 2 })]).toEqual([all, all, all]);
        await next.remove(spec.launchName);
        expect(await read({ timestamps: true })).toBe(all);
      });

      test('follows a running launch to its end', async () => {
        const { launcher } = await begin();
        const gates = [trace(), trace()];
        const script = `echo one; ${waitFor(gates[0]!)}; echo two; ${waitFor(gates[1]!)}; echo three`;
        const spec = job(script);
        await launcher.launch(spec);
        let read = '';
        for await (const chunk of launcher.logs(spec.launchName, { follow: true, stream: 'stdout' })) {
          read += Buffer.from(chunk.bytes).toString();
          if (read === 'one\n') gates[0]!.make();
          if (read === 'one\ntwo\n') gates[1]!.make();
        }
        expect(read).toBe('one\ntwo\nthree\n');
      });

      test('a reader that is cut off continues with another scheduler, and when the launch is removed', async () => {
        const { launcher } = await begin();
        const gates = [trace(), trace()];
        const script = `echo é1; echo e1 >&2; ${waitFor(gates[0]!)}; echo é2; echo e2 >&2; ${waitFor(gates[1]!)}; echo é3`;
        const spec = job(script);
        await launcher.launch(spec);
        const gone = new AbortController();
        let [read, after] = ['', { stdout: 0, stderr: 0 }];
        for await (const { bytes, next } of launcher.logs(spec.launchName, {
          ...{ follow: true, tail: 5, signal: gone.signal },
        })) {
          read += Buffer.from(bytes).toString();
          if (next !== undefined) after = next;
          if (read.includes('é1\n') && read.includes('e1\n')) gone.abort();
        }
        expect(after).toEqual({ stdout: 4, stderr: 3 });
        gates[0]!.make();
        const next = await begin();
        let rest = '';
        const query = { follow: true, after, stream: 'stdout' } as const;
        for await (const chunk of next.launcher.logs(spec.launchName, query)) {
          rest += Buffer.from(chunk.bytes).toString();
          if (rest === 'é2\n') gates[1]!.make();
          if (rest.endsWith('é3\n')) expect(chunk.next).toEqual({ stdout: 12, stderr: 3 });
        }
        expect(rest).toBe('é2\né3\n');
        await next.seen.ended(spec.launchName);
        const ends = { after: { stdout: 8, stderr: 3 } };
        expect(await text(next.launcher, spec.launchName, { after })).toHaveLength('é2\né3\ne2\n'.length);
        expect([...(await text(next.launcher, spec.launchName, ends))].sort().join('')).toBe('\n\n23eé');
        await next.launcher.remove(spec.launchName);
        expect([...(await text(next.launcher, spec.launchName, ends))].sort().join('')).toBe('\n\n23eé');
      });

      test('in its order and with times: while it runs, after its end, and when the launch is removed', async (context) => {
        if (skips.times) context.skip(skips.times);
        const { launcher, seen } = await begin();
        const gates = [trace(), trace()];
        const script = `echo one; ${waitFor(gates[0]!)}; echo two >&2; ${waitFor(gates[1]!)}; echo three`;
        const spec = job(script);
        const before = BigInt(Date.now() - 50) * 1_000_000n;
        await launcher.launch(spec);
        const followed: LogChunk[] = [];
        const query = { timestamps: true };
        for await (const chunk of launcher.logs(spec.launchName, { ...query, follow: true })) {
          gates[followed.length]?.make();
          followed.push(chunk);
        }
        const times = followed.map(({ printed }) => printed?.timeNs ?? 0n);
        expect(followed.map(({ stream, bytes }) => [stream, Buffer.from(bytes).toString()])).toEqual([
          ['stdout', 'one\n'],
          ['stderr', 'two\n'],
          ['stdout', 'three\n'],
        ]);
        expect(times).toEqual([...times].sort());
        expect(times[0]).toBeGreaterThan(before);
        expect(times[2]).toBeLessThan(BigInt(Date.now() + 50) * 1_000_000n);
        await seen.ended(spec.launchName);
        const read = (of: Launcher, more: LogQuery = {}) =>
          chunks(of, spec.launchName, { ...query, ...more });
        expect(await read(launcher)).toEqual(followed);
        expect(await read(launcher, { timestamps: false })).not.toContainEqual(
          expect.objectContaining({ printed: expect.anything() }),
        );
        await launcher.remove(spec.launchName);
        expect(await read(launcher)).toEqual(followed);
        expect(await read((await begin()).launcher)).toEqual(followed);
      });

      test('a long line as one, with the time at which it began', async (context) => {
        if (skips.times) context.skip(skips.times);
        const { launcher, seen } = await begin();
        const spec = job("head -c 50000 /dev/zero | tr '\\0' x; echo");
        await launcher.launch(spec);
        await seen.ended(spec.launchName);
        const read = async () => {
          const found = await chunks(launcher, spec.launchName, { timestamps: true });
          expect(Buffer.concat(found.map(({ bytes }) => bytes)).toString()).toBe(`${'x'.repeat(50_000)}\n`);
          expect(await text(launcher, spec.launchName, { tail: 1 })).toHaveLength(50_001);
          return found.map(({ printed }) => printed?.inLine);
        };
        const isContinued = await read();
        expect(isContinued).toEqual(isContinued.map((_, piece) => piece > 0));
        await launcher.remove(spec.launchName);
        expect(await read()).toEqual(expect.arrayContaining([false]));
        expect((await read()).filter((inLine) => inLine === false)).toHaveLength(1);
      });

      test('stops following when told to', async () => {
        const { launcher } = await begin();
        const spec = job(`echo one; ${waitFor(trace())}`);
        await launcher.launch(spec);
        const stop = new AbortController();
        for await (const _ of launcher.logs(spec.launchName, { follow: true, signal: stop.signal }))
          stop.abort();
      });

      test('after remove the launch is forgotten and its output still there', async () => {
        const { launcher, seen } = await begin();
        const spec = job('echo kept');
        await launcher.launch(spec);
        await seen.ended(spec.launchName);
        await launcher.remove(spec.launchName);
        expect(await launcher.inventory()).toEqual([]);
        expect(await text(launcher, spec.launchName, { follow: true })).toBe('kept\n');
        const next = (await begin()).launcher;
        expect(await text(next, spec.launchName)).toBe('kept\n');
      });

      test.each(['never-heard-of', '../../etc', ''])('of %j it says LOGS_GONE', async (name) => {
        const { launcher } = await begin();
        await expect(text(launcher, name)).rejects.toMatchObject({ code: 'LOGS_GONE' });
      });
    });

    describe('starts a name once', () => {
      test('launched again it is adopted: while it runs, and after', async () => {
        const { launcher, seen } = await begin();
        const [out, gate] = [trace(), trace()];
        const spec = job(`echo ran >> ${out.inJob}; ${waitFor(gate)}; exit 3`);
        await launcher.launch(spec);
        await launcher.launch(spec);
        await (await begin()).launcher.launch({ ...spec, term: spec.term + 1 });
        gate.make();
        expect((await seen.ended(spec.launchName)).exitCode).toBe(3);
        const later = await begin();
        await later.launcher.launch({ ...spec, term: spec.term + 2 });
        expect((await later.seen.ended(spec.launchName)).exitCode).toBe(3);
        expect(out.lines()).toEqual(['ran']);
      });

      test('two schedulers that launch it at once start it once', async (context) => {
        if (skips.race) context.skip(skips.race);
        const [first, second] = [await begin(), await begin()];
        for (let round = 0; round < 8; round++) {
          const out = trace();
          const spec = job(`echo ran >> ${out.inJob}; exit ${round}`);
          const newer = { ...spec, term: spec.term + (round % 2) };
          // One may find that the other takes back what it creates, over and over: it is asked again, as ever.
          const asked = (launcher: Launcher, it: LaunchSpec) =>
            until('the launch is taken', () => launcher.launch(it).then(() => true, falseIfUnavailable));
          await Promise.all([asked(first.launcher, spec), asked(second.launcher, newer)]);
          expect((await first.seen.ended(spec.launchName)).exitCode).toBe(round);
          expect((await second.seen.ended(spec.launchName)).exitCode).toBe(round);
          expect(out.lines()).toEqual(['ran']);
        }
      }, 60_000);

      test('what was created by an older term and never started is run once', async (context) => {
        if (skips.leftover) context.skip(skips.leftover);
        const out = trace();
        const spec = job(`echo ran >> ${out.inJob}`);
        await harness.leaveCreated(spec);
        const { launcher, seen } = await begin();
        expect(await launcher.inventory()).toMatchObject([{ launchName: spec.launchName, state: 'created' }]);
        await launcher.launch({ ...spec, term: spec.term + 1 });
        expect((await seen.ended(spec.launchName)).exitCode).toBe(0);
        expect(out.lines()).toEqual(['ran']);
      });
    });

    describe.each([{ warm: false }, { warm: true }])('makes ready beforehand, if it can: %o', ({ warm }) => {
      const how = { warm, forMs: 60_000, mayStart: () => true };

      test('what is ready runs nothing and is no launch, until it is launched, once', async (context) => {
        const { launcher, seen } = await begin();
        if (launcher.ahead === undefined) context.skip('it makes nothing ready');
        const out = trace();
        const spec = job(`echo ran >> ${out.inJob}; exit 4`);
        await launcher.ahead?.prepare(spec, how);
        expect(await launcher.inventory()).toEqual([]);
        await launcher.ahead?.prepare(spec, how);
        await launcher.launch(spec);
        expect((await seen.ended(spec.launchName)).exitCode).toBe(4);
        expect(seen.of(spec.launchName).map(({ kind }) => kind)).toEqual(['started', 'ended']);
        expect(out.lines()).toEqual(['ran']);
      });

      test('what is given up, or left by a scheduler that stopped, is launched by the next as ever', async (context) => {
        const { launcher } = await begin();
        if (launcher.ahead === undefined) context.skip('it makes nothing ready');
        const out = trace();
        const specs = [job(`echo one >> ${out.inJob}`), job(`echo two >> ${out.inJob}`)];
        for (const spec of specs) await launcher.ahead?.prepare(spec, how);
        await launcher.ahead?.discard(specs[0]!.launchName);
        await launcher.ahead?.discard('unknown');
        await launcher.stop();
        const next = await begin();
        expect(await next.launcher.inventory()).toEqual([]);
        for (const spec of specs) {
          await next.launcher.launch({ ...spec, term: spec.term + 1 });
          await next.seen.ended(spec.launchName);
        }
        expect(out.lines()).toEqual(['one', 'two']);
      });
    });

    describe('launches at an instant that comes in a moment, if it can', () => {
      test.for([false, true])('and not before, made ready beforehand: %o', async (isReady, context) => {
        const { launcher, seen } = await begin();
        if (launcher.launchAt === undefined) context.skip('it cannot wait');
        const out = trace();
        const spec = job(`date +%s%3N >> ${out.inJob}`);
        if (isReady) await launcher.ahead?.prepare(spec, { warm: true, forMs: 60_000, mayStart: () => true });
        const at = Date.now() + 300;
        await launcher.launchAt?.(spec, at, () => true);
        expect((await seen.ended(spec.launchName)).exitCode).toBe(0);
        expect(seen.of(spec.launchName)[0]?.at).toBeGreaterThanOrEqual(at);
        expect(Number(out.lines()[0])).toBeGreaterThanOrEqual(at);
      });

      test.for([-3_600_000, 3_600_000])(
        'at once if it is %i ms away: the clock was set',
        async (ms, context) => {
          const { launcher, seen } = await begin();
          if (launcher.launchAt === undefined) context.skip('it cannot wait');
          const spec = job('exit 3');
          await launcher.launchAt?.(spec, Date.now() + ms, () => true);
          expect((await seen.ended(spec.launchName)).exitCode).toBe(3);
        },
      );

      test('and starts nothing if it may not', async (context) => {
        const { launcher } = await begin();
        if (launcher.launchAt === undefined) context.skip('it cannot wait');
        const launched = launcher.launchAt?.(job('exit 0'), Date.now() + 300, () => false);
        await expect(launched).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
        expect(await launcher.inventory()).toEqual([]);
      });
    });

    describe('survives the scheduler', () => {
      test('a launch that runs is adopted and its end observed', async () => {
        const first = await begin();
        const gate = trace();
        const spec = job(`${waitFor(gate)}; exit 5`);
        await first.launcher.launch(spec);
        await first.launcher.stop();
        const second = await begin();
        const [report] = await second.launcher.inventory();
        expect(report).toMatchObject({ launchName: spec.launchName, state: 'running' });
        expect(Math.abs(report!.startedAt! - first.seen.of(spec.launchName)[0]!.at)).toBeLessThan(1000);
        gate.make();
        expect((await second.seen.ended(spec.launchName)).exitCode).toBe(5);
      });

      test('a launch that ended while nobody watched is in the inventory with its code', async () => {
        const first = await begin();
        const [gate, done] = [trace(), trace()];
        const spec = job(`${waitFor(gate)}; echo done > ${done.inJob}; exit 6`);
        await first.launcher.launch(spec);
        await first.launcher.stop();
        gate.make();
        await until('the job is done', () => done.lines().length > 0);
        const { launcher } = await begin();
        const report = await until('its end', async () =>
          (await launcher.inventory()).find(({ state }) => state === 'ended'),
        );
        expect(report).toMatchObject({ launchName: spec.launchName, exitCode: 6 });
        expect(report.endedAt!).toBeGreaterThanOrEqual(report.startedAt!);
      });

      test('the inventory has only launches of this installation', async (context) => {
        if (skips.clusters) context.skip(skips.clusters);
        const { launcher, seen } = await begin();
        const spec = job('exit 0');
        await launcher.launch(spec);
        await seen.ended(spec.launchName);
        const other = harness.createLauncher('another');
        open.push(other);
        await other.start();
        expect(await other.inventory()).toEqual([]);
        expect(await launcher.inventory()).toHaveLength(1);
      });
    });

    describe('kills', () => {
      test('with TERM, which a job may answer in its own way', async () => {
        const { launcher, seen } = await begin();
        const [out, ready] = [trace(), trace()];
        const spec = job(
          `trap 'echo term >> ${out.inJob}; exit 9' TERM; echo > ${ready.inJob}; while :; do sleep 0.02; done`,
        );
        await launcher.launch(spec);
        await until('the trap is set', () => existsSync(ready.here));
        await launcher.kill(spec.launchName, 20_000);
        expect((await seen.ended(spec.launchName)).exitCode).toBe(9);
        expect(out.lines()).toEqual(['term']);
      });

      test('with KILL after the grace what ignores TERM', async () => {
        const { launcher, seen } = await begin();
        const ready = trace();
        const spec = job(`trap '' TERM; echo > ${ready.inJob}; while :; do sleep 0.02; done`);
        await launcher.launch(spec);
        await until('the trap is set', () => existsSync(ready.here));
        await launcher.kill(spec.launchName, 300);
        expect((await seen.ended(spec.launchName)).exitCode).toBe(137);
      });

      test('what another scheduler started', async () => {
        const first = await begin();
        const spec = job(waitFor(trace()));
        await first.launcher.launch(spec);
        await first.launcher.stop();
        const { launcher, seen } = await begin();
        await launcher.kill(spec.launchName, 5_000);
        expect((await seen.ended(spec.launchName)).exitCode).toBeGreaterThan(128);
      });

      test('without complaint what has ended or never was', async () => {
        const { launcher, seen } = await begin();
        const spec = job('exit 4');
        await launcher.launch(spec);
        await seen.ended(spec.launchName);
        await launcher.kill(spec.launchName, 100);
        await launcher.kill('never-heard-of', 100);
        await launcher.remove('never-heard-of');
        expect(await launcher.inventory()).toMatchObject([{ launchName: spec.launchName, exitCode: 4 }]);
      });
    });

    test('says what it is', async () => {
      const { launcher } = await begin();
      expect(await launcher.describe()).toMatchObject({ reachable: true, version: expect.any(String) });
    });
  });
}

/** Kills and removes every launch. */
export async function endAll(launcher: Launcher): Promise<void> {
  const names = (await launcher.inventory()).map((report) => report.launchName);
  await Promise.all(names.map((name) => launcher.kill(name, 0)));
  await until('all launches ended', async () =>
    (await launcher.inventory()).every((report) => report.state === 'ended'),
  );
  await Promise.all(names.map((name) => launcher.remove(name)));
  expect(await launcher.inventory()).toEqual([]);
}

interface Seen {
  of(launchName: string): Observation[];
  ended(launchName: string, timeoutMs?: number): Promise<Extract<Observation, { kind: 'ended' }>>;
}

function record(launcher: Launcher): Seen {
  const all: Observation[] = [];
  launcher.onObservation((observation) => all.push(observation));
  const of = (name: string): Observation[] => all.filter(({ launchName }) => launchName === name);
  return {
    of,
    ended: (name, timeoutMs = 20_000) =>
      until(
        `the end of ${name}`,
        () => of(name).find((observation) => observation.kind === 'ended'),
        timeoutMs,
      ),
  };
}

function falseIfUnavailable(error: unknown): false {
  if (error instanceof CarillonError && error.code === 'ENGINE_UNAVAILABLE') return false;
  throw error;
}

async function chunks(launcher: Launcher, launchName: string, query: LogQuery): Promise<LogChunk[]> {
  const found: LogChunk[] = [];
  for await (const chunk of launcher.logs(launchName, query)) found.push(chunk);
  return found;
}

async function text(launcher: Launcher, launchName: string, query: LogQuery = {}): Promise<string> {
  return Buffer.concat((await chunks(launcher, launchName, query)).map(({ bytes }) => bytes)).toString();
}
