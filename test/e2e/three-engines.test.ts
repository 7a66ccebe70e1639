/**
 * One job file, every engine: the same jobs end in the same states, with the same exit codes, output and number
 * of attempts, whether they run as processes or in containers. What is expected is written down here and
 * learnt from no engine.
 */

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { Dockerd, dockerdMissing, testImage } from '../support/dockerd.ts';
import { eventually, Server } from '../support/server.ts';

const missing = dockerdMissing();
const dir = mkdtempSync(join(tmpdir(), 'carillon-engines-'));
const secret = join(dir, 'token');
const big = 300_000;

/** What the job file gains on each engine, and nothing else. */
const engines: Readonly<Record<string, object>> = {
  process: {},
  docker: { engine: 'docker', image: testImage },
  // A service always has a network, and this one needs none to be set up.
  swarm: { engine: 'swarm', image: testImage, network: 'host' },
};

interface Expected {
  readonly state: string;
  /** Of each attempt; several where engines may tell them apart differently. */
  readonly exitCodes: (number | readonly number[])[];
  readonly stdout?: string;
  readonly stderr?: string;
}

interface Case {
  readonly what: string;
  readonly run: object;
  readonly policy?: object;
  readonly params?: Record<string, string>;
  readonly kill?: boolean;
  readonly expected: Expected;
}

const succeeds = (stdout: string, stderr = ''): Expected => ({
  state: 'succeeded',
  exitCodes: [0],
  stdout,
  stderr,
});
const fails = (exitCode: number): Expected => ({ state: 'failed', exitCodes: [exitCode] });
/** A shell may add its "Terminated" to stderr where its own commands are told to end too. */
const ends = (state: string, exitCode: number, stdout: string): Expected => ({
  state,
  exitCodes: [exitCode],
  stdout,
});

const cases: Readonly<Record<string, Case>> = {
  environment: {
    what: 'finds its environment, its parameters, and who it is',
    run: {
      command:
        'echo "$GREETING|$MODE|$CARILLON_JOB|$CARILLON_ATTEMPT"; [ "$CARILLON_RUN" ] && [ "$CARILLON_DUE" ]',
      env: { GREETING: 'hello  world', MODE: 'default' },
    },
    params: { MODE: 'by "hand"' },
    expected: succeeds('hello  world|by "hand"|environment|1\n'),
  },
  arguments: {
    what: 'gets its arguments as they are, without a shell in between',
    run: { argv: ['/bin/sh', '-c', 'printf "<%s>" "$@"', 'name', 'two words', "it's", '$HOME', '', 'é*'] },
    expected: succeeds("<two words><it's><$HOME><><é*>"),
  },
  folder: {
    what: 'runs in its working directory',
    run: { command: 'pwd', workdir: '/etc' },
    expected: succeeds('/etc\n'),
  },
  trace: {
    what: 'finds the span of its attempt',
    run: { command: 'set -u; echo "$TRACEPARENT" | cut -c 1-3,36,53-; echo "$TRACESTATE"' },
    expected: succeeds('00---01\n\n'),
  },
  user: {
    what: 'runs as its user and group',
    run: { command: 'echo "$(id -u):$(id -g)"', user: '12345:23456' },
    expected: succeeds('12345:23456\n'),
  },
  secret: {
    what: 'finds its secret in the environment, and shows nothing of it',
    run: { command: 'echo "[$TOKEN] $(echo "$TOKEN" | tr a-z b-za)"', secrets: { TOKEN: { file: secret } } },
    expected: succeeds('[***] t3ds3u xjui tqbdf\n'),
  },
  input: {
    what: 'has nothing on its standard input',
    run: { command: 'cat; echo end' },
    expected: succeeds('end\n'),
  },
  bytes: {
    what: 'has its output kept byte for byte, without a last newline',
    run: { command: "printf 'a\\000b\\tc\\r\\nend'; printf 'no newline' >&2" },
    expected: succeeds('a\0b\tc\r\nend', 'no newline'),
  },
  much: {
    what: 'has much output kept, stdout and stderr apart',
    run: { command: `yes 0123456789 | head -c ${big}; yes abcdefg | head -c ${big} >&2` },
    expected: succeeds('0123456789\n'.repeat(big).slice(0, big), 'abcdefg\n'.repeat(big).slice(0, big)),
  },
  code: { what: 'fails with its own exit code', run: { command: 'exit 7' }, expected: fails(7) },
  high: { what: 'fails with the greatest exit code', run: { command: 'exit 255' }, expected: fails(255) },
  signalled: {
    what: 'fails as shells have it when it kills itself',
    run: { command: 'kill -TERM $$; sleep 60' },
    expected: fails(143),
  },
  unknown: {
    what: 'fails when its shell does not find the program',
    run: { command: 'no-such-program' },
    expected: fails(127),
  },
  absent: {
    what: 'fails with a reason when there is no such program to start',
    run: { argv: ['/no/such/program'] },
    expected: { state: 'failed', exitCodes: [[126, 127]] },
  },
  retried: {
    what: 'is tried again until it succeeds',
    run: { command: 'echo "$CARILLON_ATTEMPT"; [ "$CARILLON_ATTEMPT" = 3 ] || exit 5' },
    policy: { retries: { limit: 3, delay: 'PT0.1S', jitter: false } },
    expected: { state: 'succeeded', exitCodes: [5, 5, 0], stdout: '3\n', stderr: '' },
  },
  exhausted: {
    what: 'fails as its last attempt did',
    run: { command: 'exit "$CARILLON_ATTEMPT"' },
    policy: { retries: { limit: 1, delay: 'PT0.1S', jitter: false } },
    expected: { state: 'failed', exitCodes: [1, 2] },
  },
  polite: {
    what: 'may clean up when its time is over',
    run: { command: 'trap "echo bye; exit 3" TERM; echo on; while :; do sleep 0.1; done' },
    policy: { timeout: 'PT2S', killAfter: 'PT20S' },
    expected: ends('timed-out', 3, 'on\nbye\n'),
  },
  deaf: {
    what: 'is killed when it does not end in its grace',
    run: { command: 'trap "" TERM; echo on; while :; do sleep 0.1; done' },
    policy: { timeout: 'PT2S', killAfter: 'PT1S' },
    expected: ends('timed-out', 137, 'on\n'),
  },
  unwanted: {
    what: 'is killed on somebody’s word, and is not tried again',
    run: { command: 'trap "exit 9" TERM; echo on; while :; do sleep 0.1; done' },
    policy: { retries: { limit: 3, delay: 'PT0.1S' } },
    kill: true,
    expected: ends('killed', 9, 'on\n'),
  },
};

interface RunAnswer {
  readonly id: string;
  readonly state: string;
  readonly reason: string | null;
  readonly attempts: { engine: string; exitCode: number | null; reason: string | null }[];
}

const unfinished = /waiting|queued|launching|running/;

describe.skipIf(missing !== null)(
  `one job file on each engine${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    const dockerd = new Dockerd();
    let server: Server;
    const start = async () => {
      const hosts = ['--docker-host', dockerd.host, '--swarm-host', dockerd.host];
      // Nobody takes the traces.
      server = await Server.start(join(dir, 'data'), [...hosts, '--otlp-endpoint', 'http://127.0.0.1:1']);
    };

    beforeAll(async () => {
      // Processes of other users pass through it.
      chmodSync(dir, 0o711);
      writeFileSync(secret, 's3cr3t with space', { mode: 0o600 });
      await dockerd.start();
      // The Docker engine and a Swarm of one node on the same machine: neither may touch what is the other's.
      await dockerd.docker.swarmInit({ ListenAddr: '127.0.0.1:0', AdvertiseAddr: '127.0.0.1' });
      await start();
    });
    afterAll(async () => {
      await server?.end('SIGTERM');
      await dockerd.stop();
      rmSync(dir, { recursive: true, force: true });
    });

    const look = (id: string) => server.get<RunAnswer>(`/api/v1/runs/${id}`);
    const output = async (id: string, stream: string) =>
      (await server.ask<string>('GET', `/api/v1/runs/${id}/logs?stream=${stream}`)).body;

    async function go({ params = {}, kill = false }: Case, name: string): Promise<RunAnswer> {
      const { body } = await server.ask<RunAnswer>('POST', `/api/v1/jobs/${name}/trigger`, { params });
      if (kill) {
        await eventually(
          () => output(body.id, 'stdout'),
          (text) => text === 'on\n',
          60_000,
        );
        await server.ask('POST', `/api/v1/runs/${body.id}/kill`);
      }
      return eventually(
        () => look(body.id),
        ({ state }) => !unfinished.test(state),
        60_000,
      );
    }

    describe.each(Object.entries(engines))('%s: a job', (engine, how) => {
      const ended = new Map<string, Promise<RunAnswer>>();

      beforeAll(async () => {
        const jobs = Object.entries(cases).map(([name, { run, policy = {} }]) =>
          stringify({ name, run: { ...run, ...how }, policy }),
        );
        const response = await fetch(`${server.url}/api/v1/apply`, {
          method: 'POST',
          headers: { 'content-type': 'application/yaml' },
          body: jobs.join('---\n'),
        });
        const { results } = (await response.json()) as { results: { outcome: string; problem: unknown }[] };
        expect(results.filter(({ problem }) => problem !== null)).toEqual([]);
        for (const [name, each] of Object.entries(cases)) {
          const run = go(each, name);
          run.catch(() => undefined);
          ended.set(name, run);
        }
      });

      test.each(Object.entries(cases).map(([name, { what, expected }]) => ({ name, what, expected })))(
        '$what',
        async ({ name, expected }) => {
          const run = (await ended.get(name)) as RunAnswer;
          expect(run.attempts.map((attempt) => attempt.engine)).toEqual(expected.exitCodes.map(() => engine));
          expect(run.state, run.reason ?? '').toBe(expected.state);
          for (const [i, code] of expected.exitCodes.entries())
            expect([code].flat()).toContain(run.attempts[i]?.exitCode);
          for (const stream of ['stdout', 'stderr'] as const) {
            if (expected[stream] === undefined) continue;
            const text = await output(run.id, stream);
            expect(text.length).toBe(expected[stream].length);
            expect(text === expected[stream], `${stream}: ${JSON.stringify(text.slice(0, 200))}`).toBe(true);
          }
          if (run.state !== 'succeeded') expect(run.reason).toMatch(/\w/);
        },
        90_000,
      );
    });

    test('a service of the Swarm is no container of the Docker engine, also for a scheduler that takes over', async () => {
      const run = {
        ...engines.swarm,
        command: 'trap "exit 9" TERM; echo on; while [ ! -e /gate/open ]; do sleep 0.1; done; exit 4',
      };
      const gate = join(dir, 'gate');
      mkdirSync(gate);
      await server.ask('POST', '/api/v1/jobs', { name: 'long', run: { ...run, volumes: [`${gate}:/gate`] } });
      const { body } = await server.ask<RunAnswer>('POST', '/api/v1/jobs/long/trigger');
      await eventually(
        () => output(body.id, 'stdout'),
        (text) => text === 'on\n',
        60_000,
      );
      await server.end('SIGKILL');
      await start();
      // Taking over asks every engine what it runs, and ends what nobody wants before it launches anything.
      await server.ask('POST', '/api/v1/jobs', { name: 'next', run: { ...engines.docker, command: 'true' } });
      const { body: next } = await server.ask<RunAnswer>('POST', '/api/v1/jobs/next/trigger');
      await eventually(
        () => look(next.id),
        ({ state }) => state === 'succeeded',
        60_000,
      );
      writeFileSync(join(gate, 'open'), '');
      const ended = await eventually(
        () => look(body.id),
        ({ state }) => !unfinished.test(state),
        60_000,
      );
      expect(ended).toMatchObject({ state: 'failed', attempts: [{ engine: 'swarm', exitCode: 4 }] });
    }, 180_000);
  },
);
