/**
 * A Swarm on bad days. Jobs write a line to a file that all nodes share, so that "ran once" is counted by what
 * happened. What the launcher does not know is asked for again under the same name, as the scheduler does.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { CarillonError } from '../../../src/errors.ts';
import { realClock } from '../../../src/node/clock.ts';
import { type LaunchSpec, plainContainer } from '../../../src/scheduler/job/spec.ts';
import type { Launcher, Observation } from '../../../src/scheduler/ports.ts';
import { sleep } from '../../../src/scheduler/waiting.ts';
import { endAll } from '../../conformance/launcher.ts';
import { testImage } from '../../support/dockerd.ts';
import { eventually, Server } from '../../support/server.ts';
import { names, swarmMissing } from '../../support/swarm.ts';
import { until } from '../../support/until.ts';
import { type SwarmHarness, swarmHarness } from './harness.ts';

const missing = swarmMissing();
/** Managers take up to 20 s to elect a leader; nodes find it, and their jobs an end, some time later. */
const patienceMs = 120_000;
interface RunAnswer {
  readonly id: string;
  readonly state: string;
  readonly reason: string | null;
  readonly attempts: { launchName: string; exitCode: number | null; reason: string | null }[];
}
type Ended = Extract<Observation, { kind: 'ended' }>;

describe.skipIf(missing !== null)(
  `a Swarm on bad days${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let harness: SwarmHarness;
    let launcher: Launcher;
    let seen: Observation[] = [];
    let sequence = 0;

    beforeAll(async () => {
      harness = await swarmHarness();
      launcher = harness.createLauncher();
      launcher.onObservation((observation) => seen.push(observation));
      await launcher.start();
    });
    afterEach(async () => {
      await endAll(launcher);
      seen = [];
    });
    afterAll(async () => {
      await launcher?.stop();
      await harness?.close();
    });

    const job = (script: string, overrides: Partial<LaunchSpec> = {}): LaunchSpec =>
      harness.spec(script, { launchName: `fault-${++sequence}`, installation: 'conformance', ...overrides });

    const on = (node: string): Partial<LaunchSpec> => ({ constraints: [`node.hostname==${node}`] });

    /** A file that jobs of all nodes can write to. */
    function trace() {
      const name = `trace-${++sequence}`;
      const here = join(harness.traces, name);
      return {
        inJob: `/traces/${name}`,
        lines: () => (existsSync(here) ? readFileSync(here, 'utf8').split('\n').filter(Boolean) : []),
      };
    }

    const endOf = (launchName: string, timeoutMs = patienceMs): Promise<Ended> =>
      until(
        `the end of ${launchName}`,
        () => seen.find((each): each is Ended => each.kind === 'ended' && each.launchName === launchName),
        timeoutMs,
      );

    const errorOf = (promise: Promise<unknown>): Promise<CarillonError> =>
      promise.then(
        () => expect.fail('it was launched'),
        (error: CarillonError) => error,
      );

    /** Asks again while nobody knows: with pauses, as a scheduler does, or dozens of launches keep the managers busy. */
    async function launchAtLast(spec: LaunchSpec): Promise<void> {
      let cause = '';
      const isLaunched = () =>
        launcher.launch(spec).then(
          () => true,
          async (error: CarillonError) => {
            if (error.code !== 'ENGINE_UNAVAILABLE' && error.code !== 'NO_PLACE') throw error;
            cause = error.message;
            await sleep(realClock, 1_000);
            return false;
          },
        );
      await until(`the launch of ${spec.launchName}`, isLaunched, patienceMs).catch((error: Error) => {
        throw new Error(`${error.message}: ${cause}`);
      });
    }

    test('what fits no node is not created, and says what is missing', async () => {
      const elsewhere = job('exit 0', { constraints: ['node.labels.zone==moon'] });
      expect(await errorOf(launcher.launch(elsewhere))).toMatchObject({
        code: 'NO_PLACE',
        message: 'no node has node.labels.zone==moon',
      });
      const large = await errorOf(launcher.launch(job('exit 0', { cpus: 1_000 })));
      expect(`${large.code}: ${large.message}`).toMatch(
        /^NO_PLACE: no node has 1000 CPU free; the most is \d+ CPU$/,
      );
      expect(await launcher.inventory()).toEqual([]);
      const other = job('exit 0');
      await launcher.launch(other);
      expect((await endOf(other.launchName)).exitCode).toBe(0);
    });

    test('of a burst as many are created as there is room for', async () => {
      const { cpus = 0 } = await launcher.describe();
      const most = cpus / names.length;
      const burst = Array.from({ length: 8 }, () => job('sleep 60', { cpus: most * 0.75 }));
      const answers = await Promise.all(
        burst.map((spec) =>
          launcher.launch(spec).then(
            () => 'launched',
            ({ code }: CarillonError) => code,
          ),
        ),
      );
      expect(answers.filter((answer) => answer === 'launched')).toHaveLength(names.length);
      expect(answers.filter((answer) => answer === 'NO_PLACE')).toHaveLength(burst.length - names.length);
      expect(await launcher.inventory()).toHaveLength(names.length);
    });

    test('a run without a place is queued, keeps nobody from going on, and runs when a node fits', async () => {
      const { swarm, dir } = harness;
      const swarmOnly = ['--swarm-host', swarm.hosts, '--swarm-concurrency', '1'];
      const start = () => Server.start(join(dir, 'queued'), swarmOnly);
      let server = await start();
      const run = { engine: 'swarm', image: testImage, network: 'host', command: 'true' };
      const look = (id: string) => server.get<RunAnswer>(`/api/v1/runs/${id}`);
      const become = (id: string, state: string) =>
        eventually(
          () => look(id),
          (answer) => answer.state === state,
          patienceMs,
        );
      const put = (name: string, more: object) =>
        server.ask('POST', '/api/v1/jobs', { name, run: { ...run, ...more } });
      const trigger = async (name: string) =>
        (await server.ask<RunAnswer>('POST', `/api/v1/jobs/${name}/trigger`)).body.id;
      try {
        await put('choosy', { constraints: ['node.labels.zone==a'] });
        await put('plain', {});
        const choosy = await trigger('choosy');
        const reason = 'no node has node.labels.zone==a';
        expect(await become(choosy, 'queued')).toMatchObject({ reason, attempts: [] });
        await become(await trigger('plain'), 'succeeded');
        await server.end('SIGKILL');
        server = await start();
        expect(await become(choosy, 'queued')).toMatchObject({ reason });
        await swarm.label('two', { zone: 'a' });
        const ended = await become(choosy, 'succeeded');
        expect(ended.attempts).toMatchObject([{ exitCode: 0 }]);
        expect(await swarm.nodeOf(ended.attempts[0]?.launchName ?? '')).toBe('two');
      } finally {
        await server.end('SIGKILL');
        await swarm.label('two', {});
        await swarm.removeServices();
      }
    }, 300_000);

    test('what no node takes all the same says why, holds up nobody, and can be killed', async () => {
      const out = trace();
      // Known to Swarm alone.
      const spec = job(`echo ran >> ${out.inJob}`, { constraints: ['node.ip==192.0.2.1'] });
      const error = await errorOf(launcher.launch(spec));
      expect(error.code).toBe('ENGINE_UNAVAILABLE');
      expect(error.message).toContain('no suitable node');
      expect(await launcher.inventory()).toEqual([{ launchName: spec.launchName, state: 'created' }]);
      const other = job('exit 0');
      await launcher.launch(other);
      expect((await endOf(other.launchName)).exitCode).toBe(0);
      await launcher.kill(spec.launchName, 0);
      expect(await endOf(spec.launchName)).toMatchObject({ reason: 'ended before it was started' });
      expect(seen.filter(({ launchName }) => launchName === spec.launchName)).toHaveLength(1);
      expect((await errorOf(launcher.launch(spec))).code).toBe('LAUNCH_REFUSED');
      expect(out.lines()).toEqual([]);
    });

    test.each([
      ['a folder that its node does not have', { volumes: ['/no/such/folder:/data'] }, '/no/such/folder'],
      ['a network that there is not', { container: { ...plainContainer, networks: ['moon'] } }, 'moon'],
      ['no network at all', { container: { ...plainContainer, networks: [] } }, 'internal overlay'],
      ['an image that there is not', { image: 'carillon-none:1' }, 'carillon-none'],
    ])('refuses %s', async (_, overrides, words) => {
      const error = await errorOf(launcher.launch(job('exit 0', overrides as Partial<LaunchSpec>)));
      expect(`${error.code}: ${error.message}`).toMatch(/^LAUNCH_REFUSED/);
      expect(error.message).toContain(words);
    });

    test('leaves alone a service that is not its own', async () => {
      const client = await harness.swarm.client();
      const spec = job('exit 0');
      const service = await client.createService({
        Name: spec.launchName,
        TaskTemplate: { ContainerSpec: { Image: 'carillon-test:1', Command: ['sleep', '60'] } },
        Mode: { Replicated: { Replicas: 1 } },
      });
      expect((await errorOf(launcher.launch(spec))).code).toBe('LAUNCH_REFUSED');
      await launcher.kill(spec.launchName, 0);
      await launcher.remove(spec.launchName);
      expect(await client.getService(service.id).inspect()).toMatchObject({
        Spec: { Name: spec.launchName },
      });
      await client.getService(service.id).remove();
    });

    test('a secret as a file is in no service, and goes with it', async () => {
      const file = join(harness.dir, 'secret');
      writeFileSync(file, 'hush-4711\n');
      const secretFiles = [{ name: 'TOKEN', file, mount: '/run/keys/token' }];
      const container = { ...plainContainer, secretFiles };
      const spec = job('tr h b < /run/keys/token; cat /run/keys/token; ls -l /run/keys/token', { container });
      await launcher.launch({ ...spec, container: { ...spec.container, networks: ['host'] } });
      expect((await endOf(spec.launchName)).exitCode).toBe(0);
      expect(await harness.everythingKept(spec.launchName)).not.toContain('hush');
      let output = '';
      for await (const { bytes } of launcher.logs(spec.launchName, {}))
        output += Buffer.from(bytes).toString();
      expect(output).toMatch(/^busb-4711\*\*\*-r--r--r--/);
      await launcher.remove(spec.launchName);
      expect(await (await harness.swarm.client()).listSecrets()).toEqual([]);
    });

    test('the leader of the managers dies while jobs are launched: each runs once', async () => {
      const { swarm } = harness;
      const out = trace();
      const specs = Array.from({ length: 24 }, (_, i) => job(`echo ${i} >> ${out.inJob}; sleep 1`));
      const [first, ...others] = [await swarm.leader(), ...(await swarm.followers())];
      const launches = specs
        .slice(0, 12)
        .map((spec) => launchAtLast({ ...spec, ...on(others[0] as string) }));
      await until('some run', () => out.lines().length > 2);
      await swarm.node(first).kill();
      launches.push(...specs.slice(12).map((spec) => launchAtLast({ ...spec, ...on(others[1] as string) })));
      await Promise.all(launches);
      for (const { launchName } of specs) expect((await endOf(launchName)).exitCode).toBe(0);
      await swarm.node(first).restart();
      await swarm.ready();
      // Who led before leads again, with all that it knew then.
      await swarm.node(await swarm.leader()).restartAfterKill();
      await swarm.ready();
      expect(
        out
          .lines()
          .map(Number)
          .sort((a, b) => a - b),
      ).toEqual(specs.map((_, i) => i));
      expect((await launcher.inventory()).every(({ exitCode }) => exitCode === 0)).toBe(true);
    }, 300_000);

    test('a node loses its power: its job is lost, and its run goes on elsewhere', async () => {
      const { swarm, dir, traces } = harness;
      const out = trace();
      const server = await Server.start(join(dir, 'data'), ['--swarm-host', swarm.hosts]);
      try {
        const command = `echo $CARILLON_ATTEMPT >> ${out.inJob}; [ $CARILLON_ATTEMPT = 2 ] || sleep 600`;
        const run = {
          engine: 'swarm',
          image: testImage,
          network: 'host',
          command,
          volumes: [`${traces}:/traces`],
        };
        const policy = { retries: { limit: 1, delay: 'PT0.1S' } };
        await server.ask('POST', '/api/v1/jobs', { name: 'restless', run, policy });
        const { body } = await server.ask<RunAnswer>('POST', '/api/v1/jobs/restless/trigger');
        const look = () => server.get<RunAnswer>(`/api/v1/runs/${body.id}`);
        // An engine that dies before it has noted a start makes it again, before it hears from its managers.
        const running = await eventually(look, ({ state }) => state === 'running', patienceMs);
        const victim = await swarm.nodeOf(running.attempts[0]?.launchName ?? '');
        expect(out.lines()).toEqual(['1']);
        await swarm.node(victim).crash();
        const ended = await eventually(look, ({ state }) => state === 'succeeded', patienceMs);
        expect(ended.attempts.map(({ exitCode }) => exitCode)).toEqual([null, 0]);
        expect(ended.attempts[0]?.reason).toContain(`the node ${victim}`);
        await swarm.node(victim).start();
        await swarm.ready();
        expect(out.lines()).toEqual(['1', '2']);
      } finally {
        await server.end('SIGTERM');
        await swarm.removeServices();
      }
    }, 300_000);

    test('a node is cut off and comes back: its job is lost, stopped, and not told otherwise', async () => {
      const { swarm } = harness;
      const [victim = 'one'] = await swarm.followers();
      const out = trace();
      const spec = job(`echo ran >> ${out.inJob}; sleep 600`, on(victim));
      await launchAtLast(spec);
      await until('it runs', () => out.lines().length === 1);
      swarm.isolate(victim);
      expect(await endOf(spec.launchName)).toMatchObject({ exitCode: null, infrastructure: true });
      const running = () => swarm.node(victim).docker.listContainers();
      expect(await running()).toHaveLength(1);
      swarm.heal(victim);
      await until('Swarm stops it', async () => (await running()).length === 0, patienceMs);
      await swarm.ready();
      expect(await launcher.inventory()).toMatchObject([{ exitCode: null, infrastructure: true }]);
      expect(seen.filter(({ kind }) => kind === 'ended')).toHaveLength(1);
      expect(out.lines()).toEqual(['ran']);
    }, 300_000);

    test('the engine of a node is killed and comes back: its job is ended by that', async () => {
      const { swarm } = harness;
      const [victim = 'one'] = await swarm.followers();
      const out = trace();
      const spec = job(`echo ran >> ${out.inJob}; sleep 600`, on(victim));
      await launchAtLast(spec);
      await until('it runs', () => out.lines().length === 1);
      await swarm.node(victim).restartAfterKill();
      expect(await endOf(spec.launchName)).toMatchObject({ infrastructure: true });
      await swarm.ready();
      expect(out.lines()).toEqual(['ran']);
    }, 300_000);
  },
);
