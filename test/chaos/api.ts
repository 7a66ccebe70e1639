/** The schedulers' API as the harness uses it: every request has a bound, and no answer is an answer too. */

import type { ChaosJob, LedgerRecord, NodeAnswer, RunRecord } from './history.ts';
import { schedulerPort } from './member.ts';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** The harness is on another host than the schedulers, so it needs a token. */
let token: string | null = null;
export const askWith = (made: string): void => void (token = made);

/** Null: not reached, or no answer within the bound. */
export async function ask(
  address: string,
  path: string,
  given: { timeoutMs: number; method?: string; body?: unknown; headers?: Record<string, string> },
): Promise<Answer | null> {
  const { timeoutMs, method = 'GET', body, headers = {} } = given;
  try {
    const response = await fetch(`http://${address}:${schedulerPort}/api/v1${path}`, {
      method,
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        ...headers,
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: JSON.parse(await response.text()) };
  } catch {
    return null;
  }
}

export interface ClusterAnswer {
  readonly leader: { readonly url: string } | null;
  readonly term: number;
  readonly members: readonly { readonly url: string; readonly role: string }[];
}

export async function askCluster(address: string, timeoutMs: number): Promise<ClusterAnswer | null> {
  const answer = await ask(address, '/cluster', { timeoutMs });
  return answer?.status === 200 ? (answer.body as ClusterAnswer) : null;
}

/** Half an hour's runs are read at the end, on a machine that may be busy with something else. */
const readTimeoutMs = 60_000;
const page = 1_000;

/** All pages of a list; fails when a page cannot be read. */
async function all<T>(address: string, path: string): Promise<T[]> {
  const items: T[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const at: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await ask(address, `${path}${at}`, { timeoutMs: readTimeoutMs });
    if (answer?.status !== 200)
      throw new Error(`GET ${path} of ${address} answered ${JSON.stringify(answer)?.slice(0, 500)}`);
    const { items: more, next } = answer.body as { items: T[]; next: string | null };
    items.push(...more);
    cursor = next;
  }
  return items;
}

interface WireRun {
  id: string;
  job: string;
  due: string;
  trigger: { kind: RunRecord['kind'] };
  state: string;
  reason: string | null;
  createdAt: string;
  endedAt: string | null;
  parents: string[];
  attempts: {
    number: number;
    createdAt: string;
    startedAt: string | null;
    endedAt: string | null;
    exitCode: number | null;
    reason: string | null;
  }[];
}

const ms = (text: string | null): number | null => (text === null ? null : Date.parse(text));

function recordOf(run: WireRun): RunRecord {
  return {
    id: run.id,
    job: run.job,
    due: Date.parse(run.due),
    kind: run.trigger.kind,
    state: run.state,
    reason: run.reason,
    createdAt: Date.parse(run.createdAt),
    endedAt: ms(run.endedAt),
    parents: run.parents,
    attempts: run.attempts.map(({ number, createdAt, startedAt, endedAt, exitCode, reason }) => ({
      number,
      createdAt: Date.parse(createdAt),
      startedAt: ms(startedAt),
      endedAt: ms(endedAt),
      exitCode,
      reason,
    })),
  };
}

/** Runs that were due since then. */
export async function readRuns(address: string, sinceMs: number): Promise<RunRecord[]> {
  const from = new Date(sinceMs).toISOString();
  return (await all<WireRun>(address, `/runs?limit=${page}&from=${from}`)).map(recordOf);
}

const unfinished = ['waiting', 'queued', 'launching', 'running'].map((state) => `&state=${state}`).join('');

export async function readUnfinished(address: string): Promise<RunRecord[]> {
  return (await all<WireRun>(address, `/runs?limit=${page}${unfinished}`)).map(recordOf);
}

export async function readAll(node: string, address: string, jobs: readonly ChaosJob[]): Promise<NodeAnswer> {
  const runs: RunRecord[] = [];
  const ledger: LedgerRecord[] = [];
  for (const { name } of jobs) {
    runs.push(...(await all<WireRun>(address, `/jobs/${name}/runs?limit=${page}`)).map(recordOf));
    const lines = await all<Omit<LedgerRecord, 'from' | 'to'> & { from: string; to: string }>(
      address,
      `/jobs/${name}/ledger?limit=${page}`,
    );
    ledger.push(
      ...lines.map(({ job, from, to, count, end, state, reason, run }) => ({
        job,
        from: Date.parse(from),
        to: Date.parse(to),
        count,
        end,
        state,
        reason,
        run,
      })),
    );
  }
  return { node, runs, ledger };
}

/** Keys of messages that were not delivered. */
export const readOwed = async (address: string): Promise<string[]> =>
  (await all<{ id: string }>(address, '/notifications?limit=1000')).map(({ id }) => id);
