/**
 * The API as typed calls. An error response is a `ProblemError` with the server's message. No response, or
 * one that is not from Carillon, is an `UnreachableError`. Of several servers, the first that responds is
 * used from then on. A request that may have arrived is never repeated here: see `persistence.ts` for
 * retries.
 */

import type {
  WireAuditLine,
  WireBinding,
  WireDeviceLogIn,
  WireDeviceSession,
  WireMe,
  WireNewToken,
  WireToken,
} from '../api/wire/access.ts';
import type { WireAlert, WireMute, WireNotification, WireReceiverList } from '../api/wire/alerts.ts';
import type { WireBackfill } from '../api/wire/backfills.ts';
import type { WireHeartbeat, WireReportStep } from '../api/wire/heartbeat.ts';
import type { WireLogFinding } from '../api/wire/log-search.ts';
import type { WirePipeline, WireWholePipeline } from '../api/wire/pipelines.ts';
import type { WireRendered, WireRenderRequest } from '../api/wire/rendered.ts';
import type {
  WireApply,
  WireDeletion,
  WireJob,
  WireJobChange,
  WireLedgerLine,
  WireLogEvent,
  WireProblem,
  WireRevision,
  WireRun,
} from '../api/wire/schema.ts';
import type { WireStart, WireTriggerMany } from '../api/wire/starts.ts';
import type {
  WireCluster,
  WireEngine,
  WireGraph,
  WireJobStats,
  WireNext,
  WirePool,
  WirePreview,
  WirePreviewRequest,
  WireStats,
} from '../api/wire/views.ts';
import { calendarCalls } from './calendar-calls.ts';
import { ProblemError, UnreachableError } from './client-errors.ts';
import { serverIn } from './server-address.ts';
import { type Fetch, whyNotTrusted } from './trust.ts';

/** Longer than the largest apply takes. */
const answerWithinMs = 120_000;
/** Reports wait in the spool for a server that is slower. */
const reportedWithinMs = 10_000;
/** Entries per request: the server's maximum. */
const pageSize = 1_000;

export type Query = Readonly<
  Record<string, string | number | boolean | readonly string[] | null | undefined>
>;

/** A piece of output, and the position behind it (`after`) where the server tells. The text may be empty. */
export interface LogPiece {
  readonly text: string;
  readonly position: string | null;
}

type Headers = Readonly<Record<string, string>>;

interface FetchOptions {
  readonly query?: Query;
  readonly body?: unknown;
  /** In place of a JSON body. */
  readonly bytes?: Uint8Array | undefined;
  readonly headers?: Headers;
  /** Without a time limit. */
  readonly patient?: boolean;
  /** In place of the usual time limit. */
  readonly signal?: AbortSignal;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

const at = (...parts: (string | number)[]) => parts.map((part) => `/${encodeURIComponent(part)}`).join('');

/** No connection was made, so nothing was sent. */
const notConnected = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  // Node.js refuses to connect to ports of other protocols, such as 6667.
  'bad port',
]);

export class Client {
  readonly #servers: readonly string[];
  /** For other addresses of the same servers. */
  readonly fetch: Fetch;
  #current = 0;

  /** `urls`: one server, or several separated by commas. */
  constructor(urls: string, fetch: Fetch = globalThis.fetch) {
    this.fetch = fetch;
    this.#servers = urls.split(',').map(serverIn);
  }

  /** The current server. */
  get url(): string {
    return this.#servers[this.#current] as string;
  }

  /** Switches to the next server, because the current one responds but cannot serve. */
  turn(): void {
    this.#current = (this.#current + 1) % this.#servers.length;
  }

  readonly calendars = calendarCalls((...request) => this.#send(...request));

  jobs = (query: Query, signal?: AbortSignal) => this.#pages<WireJob>('/jobs', query, signal);
  job = (name: string) => this.#get<WireJob>(at('jobs', name));
  deleteJob = (name: string, dependents: string) =>
    this.#send<WireDeletion>('DELETE', at('jobs', name), undefined, { dependents });
  pause = (name: string, until?: string) =>
    this.#send<WireJob>('POST', at('jobs', name, 'pause'), undefined, { until });
  resume = (name: string) => this.#send<WireJob>('POST', at('jobs', name, 'resume'));
  /** Repeating it with the same key returns the same run. */
  trigger = (name: string, params: Readonly<Record<string, string>>, key: string) =>
    this.#send<WireRun>('POST', at('jobs', name, 'trigger'), { params }, {}, { 'idempotency-key': key });
  /** Repeating it with the same key and jobs returns the same start. */
  triggerMany = (body: WireTriggerMany, dryRun: boolean, key: string) =>
    this.#send<WireStart>('POST', '/trigger', body, { dryRun }, { 'idempotency-key': key });
  apply = (definitions: readonly unknown[], query: Query) =>
    this.#send<WireApply>('POST', '/apply', definitions, query);

  ledger = (job: string, query: Query) => this.#pages<WireLedgerLine>(at('jobs', job, 'ledger'), query);
  jobStats = (job: string) => this.#get<WireJobStats>(at('jobs', job, 'stats'));
  next = (job: string, count: number) => this.#get<WireNext>(at('jobs', job, 'next'), { count });
  revisions = async (job: string) =>
    (await this.#get<{ items: WireRevision[] }>(at('jobs', job, 'revisions'))).items;
  restore = (job: string, revision: number) =>
    this.#send<WireJobChange>('POST', at('jobs', job, 'revisions', revision, 'restore'));

  alerts = (query: Query) => this.#pages<WireAlert>('/alerts', query);
  jobAlerts = async (job: string) =>
    (await this.#get<{ items: WireAlert[] }>(at('jobs', job, 'alerts'))).items;
  acknowledge = (job: string, condition: string, body: { until?: string }) =>
    this.#send<WireAlert>('POST', at('jobs', job, 'alerts', condition, 'acknowledge'), body);
  /** Of an alert that is not about a job. */
  acknowledgeById = (id: string, body: { until?: string }) =>
    this.#send<WireAlert>('POST', at('alerts', id, 'acknowledge'), body);
  mute = (job: string, body: { until: string; reason: string }) =>
    this.#send<WireMute>('PUT', at('jobs', job, 'mute'), body);
  unmute = (job: string) => this.#send<WireMute>('DELETE', at('jobs', job, 'mute'));
  notifications = (query: Query) => this.#pages<WireNotification>('/notifications', query);
  sendAgain = (id: string) => this.#send<WireNotification>('POST', at('notifications', id, 'send'));
  receivers = () => this.#get<WireReceiverList>('/receivers');
  testReceiver = (name: string) => this.#send<{ name: string }>('POST', at('receivers', name, 'test'));

  runs = (query: Query, signal?: AbortSignal) => this.#pages<WireRun>('/runs', query, signal);
  run = (id: string) => this.#get<WireRun>(at('runs', id));
  /** What the templates of the job would become. */
  render = (job: string, body: WireRenderRequest) =>
    this.#send<WireRendered>('POST', at('jobs', job, 'render'), body);
  kill = (id: string) => this.#send<WireRun>('POST', at('runs', id, 'kill'));
  rerun = (id: string, key: string) =>
    this.#send<WireRun>('POST', at('runs', id, 'rerun'), undefined, {}, { 'idempotency-key': key });

  pipelines = (query: Query) => this.#pages<WirePipeline>('/pipelines', query);
  pipeline = (id: string) => this.#get<WireWholePipeline>(at('pipelines', id));
  killPipeline = (id: string) => this.#send<WireWholePipeline>('POST', at('pipelines', id, 'kill'));
  rerunPipeline = (id: string, key: string) =>
    this.#send<WireWholePipeline>(
      'POST',
      at('pipelines', id, 'rerun'),
      undefined,
      {},
      { 'idempotency-key': key },
    );
  makeBackfill = <T>(backfill: object, query: Query, key: string) =>
    this.#send<T>('POST', '/backfills', backfill, query, { 'idempotency-key': key });
  backfills = async () => (await this.#get<{ items: WireBackfill[] }>('/backfills')).items;
  backfill = (id: string) => this.#get<WireBackfill>(at('backfills', id));
  changeBackfill = (id: string, to: string) => this.#send<WireBackfill>('POST', at('backfills', id, to));

  /** Repeating it with the same `rid` changes nothing. Gives up after a short time, or at `stop`. */
  report = async (
    job: string,
    step: WireReportStep,
    query: Query,
    bytes: Uint8Array | undefined,
    stop: AbortSignal,
  ) =>
    this.#json<WireHeartbeat>(
      await this.#fetch('POST', at('heartbeats', job, ...(step === 'success' ? [] : [step])), {
        query,
        bytes,
        signal: AbortSignal.any([stop, AbortSignal.timeout(reportedWithinMs)]),
      }),
    );

  me = () => this.#get<WireMe>('/me');
  beginLogIn = () => this.#send<WireDeviceLogIn>('POST', '/login/device');
  finishLogIn = (device: string) =>
    this.#send<WireDeviceSession>('POST', '/login/device/session', { device });
  logOut = () => this.#send<object>('POST', '/logout');
  endSessions = () => this.#send<object>('POST', '/sessions/end');
  rotateKey = () => this.#send<{ id: string }>('POST', '/keys');
  createToken = (token: { name: string; bindings: readonly WireBinding[]; expiresAt?: string }) =>
    this.#send<WireNewToken>('POST', '/tokens', token);
  tokens = () => this.#pages<WireToken>('/tokens', {});
  revokeToken = (id: string) => this.#send<WireToken>('DELETE', at('tokens', id));
  audit = (query: Query) => this.#pages<WireAuditLine>('/audit', query);

  graph = () => this.#get<WireGraph>('/graph');
  stats = (query: Query) => this.#get<WireStats>('/stats', query);
  preview = (request: WirePreviewRequest) => this.#send<WirePreview>('POST', '/schedules/preview', request);
  cluster = () => this.#get<WireCluster>('/cluster');
  engines = async () => (await this.#get<{ items: WireEngine[] }>('/engines')).items;
  pools = async () => (await this.#get<{ items: WirePool[] }>('/pools')).items;

  graphDot = async () => (await this.#fetch('GET', '/graph.dot')).text();
  /** A full backup as the bytes of a file. Fails if the server breaks the connection. */
  backup = () => this.#stream('/backup', {}, {});
  /** The existing output. */
  logs = (id: string, query: Query) => this.#stream(at('runs', id, 'logs'), query, {});

  /** The output in pieces; with `follow` as it comes, to its end, however long that takes. */
  async *logPieces(id: string, query: Query): AsyncGenerator<LogPiece> {
    const decoder = new TextDecoder();
    const headers = { accept: 'text/event-stream' };
    let text = '';
    for await (const chunk of this.#stream(at('runs', id, 'logs'), query, headers)) {
      const frames = (text + decoder.decode(chunk, { stream: true })).split('\n\n');
      text = frames.pop() ?? '';
      for (const frame of frames) {
        if (frame.startsWith('event: end')) return;
        const data = /^data: (.*)$/m.exec(frame)?.[1];
        const position = /^id: (.*)$/m.exec(frame)?.[1] ?? null;
        if (data !== undefined) yield { position, text: (JSON.parse(data) as WireLogEvent).text };
        else if (position !== null) yield { position, text: '' };
      }
    }
    throw new UnreachableError(`${this.url} closed the connection in the middle of the output.`, true);
  }

  /** Finds lines in the output of a run. The last finding is the end. */
  searchLogs = (id: string, query: Query) => this.#search(at('runs', id, 'logs', 'search'), query);
  /** Finds lines in the output of a job's runs. */
  searchJobLogs = (job: string, query: Query) => this.#search(at('jobs', job, 'logs', 'search'), query);

  async *#search(path: string, query: Query): AsyncGenerator<WireLogFinding> {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of this.#stream(path, query, {})) {
      const lines = (text + decoder.decode(chunk, { stream: true })).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        const finding = JSON.parse(line) as WireLogFinding;
        yield finding;
        if (finding.kind === 'end') return;
      }
    }
    throw new UnreachableError(`${this.url} closed the connection in the middle of the search.`, true);
  }

  async *#stream(path: string, query: Query, headers: Headers): AsyncGenerator<Uint8Array> {
    const response = await this.#fetch('GET', path, { query, headers, patient: true });
    if (response.body === null) return;
    try {
      for await (const chunk of response.body) yield chunk as Uint8Array;
    } catch (error) {
      throw new UnreachableError(
        `${this.url} closed the connection in the middle of its response (${causeOf(error)}).`,
        true,
      );
    }
  }

  async *#pages<T>(path: string, query: Query, signal?: AbortSignal): AsyncGenerator<T> {
    const wanted = typeof query.limit === 'number' ? query.limit : Number.POSITIVE_INFINITY;
    let given = 0;
    for (let cursor: string | null | undefined; cursor !== null && given < wanted; ) {
      const limit = Math.min(pageSize, wanted - given);
      const page: Page<T> = await this.#get(path, { ...query, limit, cursor }, signal);
      yield* page.items;
      given += page.items.length;
      cursor = page.next;
    }
  }

  async #get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    return this.#json(await this.#fetch('GET', path, { query, ...(signal !== undefined && { signal }) }));
  }

  async #send<T>(
    method: string,
    path: string,
    body?: unknown,
    query: Query = {},
    headers: Headers = {},
  ): Promise<T> {
    return this.#json(await this.#fetch(method, path, { query, body, headers }));
  }

  async #json<T>(response: Response): Promise<T> {
    try {
      return (await response.json()) as T;
    } catch (error) {
      throw new UnreachableError(`${this.url} did not send a Carillon response (${causeOf(error)}).`, true);
    }
  }

  async #fetch(
    method: string,
    path: string,
    { query = {}, body, headers = {}, bytes, patient = false, signal }: FetchOptions = {},
  ): Promise<Response> {
    const init: RequestInit = {
      method,
      headers: {
        ...headers,
        'user-agent': 'carillon-cli',
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(bytes !== undefined && { body: bytes }),
    };
    const failures: string[] = [];
    let distrusted: string | null = null;
    for (let tried = 0; tried < this.#servers.length; tried++) {
      try {
        const response = await this.fetch(`${this.url}/api/v1${path}${search(query)}`, {
          ...init,
          ...(!patient && { signal: signal ?? AbortSignal.timeout(answerWithinMs) }),
        });
        if (response.ok) return response;
        throw await this.#refusal(response);
      } catch (error) {
        if (error instanceof ProblemError || error instanceof UnreachableError) throw error;
        const cause = causeOf(error);
        const distrust = whyNotTrusted(this.url, cause);
        if (distrust === null) failures.push(`${this.url} (${cause})`);
        if (distrust === null && !notConnected.has(cause)) throw noAnswer(failures, true);
        distrusted ??= distrust;
        this.turn();
      }
    }
    throw distrusted === null ? noAnswer(failures, false) : new UnreachableError(distrusted, false);
  }

  async #refusal(response: Response): Promise<Error> {
    const problem: unknown = await response.json().catch(() => null);
    const known = typeof problem === 'object' && problem !== null && 'code' in problem && 'detail' in problem;
    if (known) return new ProblemError(problem as WireProblem);
    return new UnreachableError(
      `${this.url} answered ${response.status}, but not with a Carillon response.`,
      true,
    );
  }
}

const noAnswer = (servers: readonly string[], reached: boolean): UnreachableError =>
  new UnreachableError(
    `No response from ${servers.join(', nor from ')}. Check that \`carillon serve\` is running, or set ` +
      '--url or CARILLON_URL.',
    reached,
  );

function search(query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of value === undefined || value === null ? [] : [value].flat())
      search.append(name, String(each));
  }
  return search.size > 0 ? `?${search}` : '';
}

/** The error code, such as `ECONNREFUSED`, if Node.js reports one. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error as { cause?: { code?: unknown; message?: unknown } };
  return String(cause?.code ?? cause?.message ?? error.message);
}
