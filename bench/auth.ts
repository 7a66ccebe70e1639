/**
 * Measures what it costs to prove who sends a request and what he may do: the same request with a token and without any
 * proof, in turns, with 10,000 tokens of 100 different scopes.
 */

import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { Authentication } from '../src/auth/authentication.ts';
import { newToken } from '../src/auth/tokens.ts';
import { realClock } from '../src/node/clock.ts';
import { createLog } from '../src/node/log.ts';
import type { Binding } from '../src/scheduler/access/principal.ts';
import type { Scheduler } from '../src/scheduler/runtime/scheduler.ts';

import { believing, localAdmin } from '../test/support/askers.ts';
import { appOf, idleScheduler, print } from './rig.ts';

const TOKENS = 10_000;
const SCOPES = 100;
/** As many as a token can have. */
const BINDINGS = 20;
const REQUESTS = 10_000;
const WARM_UP = 1_000;
const JOB = 'team-99-daily';

const log = createLog({ level: 'error', format: 'json' });
const self = { id: 'bench', url: '', host: '', pid: process.pid, version: '' };

export async function run(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-bench-'));
  const { scheduler, store } = await idleScheduler(dir, { self, log, startsInFlight: 4 });
  await scheduler.start();
  try {
    const text = await fill(scheduler);
    const authentication = new Authentication({
      ...{ clock: realClock, log, self: self.id, known: scheduler, names: [], authFile: null, stateDir: dir },
      tell: async () => undefined,
    });
    const [without, withToken] = [believing(() => localAdmin), authentication.authenticator].map((each) =>
      appOf(scheduler, self, log, each),
    );
    const times = { without: [] as number[], withToken: [] as number[] };
    for (let i = 0; i < REQUESTS + WARM_UP; i++) {
      const plain = await timed(without as FastifyInstance, {});
      const proven = await timed(withToken as FastifyInstance, { authorization: `Bearer ${text}` });
      if (i < WARM_UP) continue;
      times.without.push(plain);
      times.withToken.push(proven);
    }
    await Promise.all([without?.close(), withToken?.close()]);
    await authentication.stop();
    report(times);
  } finally {
    await scheduler.stop();
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The last of the tokens may see the job through the last of its bindings. */
async function fill(scheduler: Scheduler): Promise<string> {
  const definition = { name: JOB, run: { argv: ['/bin/true'] } };
  await scheduler.submit({ kind: 'put-job', definition, mode: 'create', by: 'bench', source: 'bench' });
  const scopes = Array.from({ length: SCOPES }, (_, i): Binding => ({ role: 'viewer', jobs: `team-${i}-*` }));
  const tokens = Array.from({ length: TOKENS }, newToken);
  await Promise.all(
    tokens.map(({ id, sha256 }, i) => {
      const first = (i * BINDINGS) % SCOPES;
      const bindings = scopes.slice(first, first + BINDINGS);
      return scheduler.submit({
        ...{ kind: 'create-token', id, name: `token ${i}`, sha256, bindings, expiresAt: null, by: 'bench' },
      });
    }),
  );
  return tokens.at(-1)?.text ?? '';
}

async function timed(app: FastifyInstance, headers: Record<string, string>): Promise<number> {
  const began = performance.now();
  const { statusCode } = await app.inject({
    url: `/api/v1/jobs/${JOB}`,
    headers: { host: 'localhost', ...headers },
  });
  if (statusCode !== 200) throw new Error(`status ${statusCode}`);
  return performance.now() - began;
}

function report({ without, withToken }: { without: number[]; withToken: number[] }): void {
  const median = (times: number[]): number => times.sort((a, b) => a - b)[times.length >> 1] ?? 0;
  const [plain, proven] = [median(without), median(withToken)];
  const us = (ms: number): string => `${(ms * 1_000).toFixed(1)} µs`;
  print(
    `GET /api/v1/jobs/{name}, ${REQUESTS} requests of each in turns, ${TOKENS} tokens, ${SCOPES} scopes`,
    [
      ['as the system user, not asked for anything, median', us(plain)],
      ['with a token of a scoped viewer, median', us(proven)],
      ['for the token and the roles', us(proven - plain)],
      ['SHA-256 of a token alone', us(hashMs())],
    ],
  );
}

/** The least that a check of a token takes. */
function hashMs(): number {
  const text = randomBytes(60).toString('base64url');
  const began = performance.now();
  for (let i = 0; i < REQUESTS; i++) createHash('sha256').update(text).digest();
  return (performance.now() - began) / REQUESTS;
}
