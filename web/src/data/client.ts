/**
 * Requests to the server that this page came from. Responses have the server's wire types. Refusals become a
 * `Refusal` with the server's problem, so that forms can show it at its field. The maximum age of the
 * responding node's copy is kept for the frame to show.
 */

import type { WireProblem } from '../../../src/api/wire/schema.ts';
import { currentSession, noteSignedOut, signedOut } from './session.ts';

export type QueryValue = string | number | boolean | null | undefined | readonly string[];
export type Query = Readonly<Record<string, QueryValue>>;

/** The server refused, or could not be reached (`code` is `OFFLINE`, `status` 0). */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly problem: WireProblem | OfflineProblem;
  /** How long the server asks to wait. Null: it does not say. */
  readonly waitS: number | null;

  constructor(problem: WireProblem | OfflineProblem, waitS: number | null = null) {
    super(problem.detail);
    this.problem = problem;
    this.waitS = waitS;
  }
}

export interface OfflineProblem {
  readonly status: 0;
  readonly code: 'OFFLINE';
  readonly title: string;
  readonly detail: string;
  readonly field?: never;
  readonly allowed?: never;
  readonly names?: never;
  readonly others?: never;
}

/** Converts any failure to a problem that can be shown. */
export function problemOf(error: unknown): WireProblem | OfflineProblem {
  if (error instanceof Refusal) return error.problem;
  return offline(error instanceof Error ? error.message : String(error));
}

const offline = (detail: string): OfflineProblem => ({
  status: 0,
  code: 'OFFLINE',
  title: 'The server cannot be reached',
  detail,
});

const base = '/api/v1';

/** `/jobs?limit=100`: absent and empty values are omitted, lists are repeated. */
export function address(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === '') continue;
    for (const each of Array.isArray(value) ? value : [value]) parameters.append(key, String(each));
  }
  const text = parameters.toString();
  return `${base}${path}${text === '' ? '' : `?${text}`}`;
}

/** Age of the copy that the last response came from, in milliseconds. Null from the leader. */
export interface Freshness {
  readonly lagMs: number | null;
}
let freshness: Freshness = { lagMs: null };
const freshnessListeners = new Set<() => void>();

export const lastFreshness = (): Freshness => freshness;

export function onFreshness(listener: () => void): () => void {
  freshnessListeners.add(listener);
  return () => freshnessListeners.delete(listener);
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> =>
  request<T>('GET', address(path, query), signal === undefined ? {} : { signal });

/**
 * Returns why the server refuses a path, or null if it does not. For resources that are read without `fetch`.
 */
export async function refusalAt(path: string, query?: Query): Promise<WireProblem | OfflineProblem | null> {
  const session = currentSession();
  const out = signedOut();
  if (out !== null) return out;
  try {
    const response = await fetch(address(path, query));
    return response.ok ? null : await readProblem(response, session);
  } catch {
    return offline('The server cannot be reached.');
  }
}

export interface Sent {
  readonly query?: Query;
  /** JSON unless `yaml` is given. */
  readonly body?: unknown;
  readonly yaml?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function send<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, sent: Sent = {}): Promise<T> {
  const { query, body, yaml, headers } = sent;
  const type = yaml !== undefined ? 'application/yaml' : body !== undefined ? 'application/json' : undefined;
  return request<T>(method, address(path, query), {
    headers: { ...headers, ...(type !== undefined && { 'content-type': type }) },
    ...(type !== undefined && { body: yaml ?? JSON.stringify(body) }),
  });
}

/** Paths of log-ins, which need none. */
const open = /^\/api\/v1\/(?:me|login|logout)(?:$|[/?])/;

async function request<T>(method: string, url: string, init: RequestInit): Promise<T> {
  const session = currentSession();
  const out = signedOut();
  if (out !== null && !open.test(url)) throw new Refusal(out);
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      ...init,
      headers: { accept: 'application/json', ...(init.headers as Record<string, string> | undefined) },
    });
  } catch (error) {
    // An aborted request is not a failure of the server.
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Refusal(offline('No response. Check that the server is running and that the network works.'));
  }
  if (!response.ok) throw new Refusal(await readProblem(response, session), waitIn(response));
  noteFreshness(response);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

async function readProblem(response: Response, session: number): Promise<WireProblem | OfflineProblem> {
  const type = response.headers.get('content-type') ?? '';
  if (!type.includes('json'))
    return offline(`The response was ${response.status} ${response.statusText}, but not from Carillon.`);
  const problem = (await response.json()) as WireProblem;
  if (problem.code === 'UNAUTHENTICATED') noteSignedOut(problem, session);
  return problem;
}

function waitIn({ headers }: Response): number | null {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds : null;
}

function noteFreshness(response: Response): void {
  const header = response.headers.get('x-carillon-lag-ms');
  const lagMs = header === null ? null : Number(header);
  if (lagMs === freshness.lagMs) return;
  freshness = { lagMs };
  for (const listener of freshnessListeners) listener();
}
