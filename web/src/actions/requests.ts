/** The changes that can be requested from the server, as functions. */

import type { WireBinding, WireNewToken, WireToken } from '../../../src/api/wire/access.ts';
import type { WireAlert, WireMute, WireNotification } from '../../../src/api/wire/alerts.ts';
import type { WireBackfill, WireBackfillPlan, WireNewBackfill } from '../../../src/api/wire/backfills.ts';
import type {
  WireApply,
  WireDeletion,
  WireJob,
  WireJobChange,
  WireRun,
} from '../../../src/api/wire/schema.ts';
import type { WireStart } from '../../../src/api/wire/starts.ts';
import { send } from '../data/client.ts';

export type Dependents = 'refuse' | 'cascade' | 'detach';

/** A definition as an object, or as the text of a YAML document. */
export type Written = { readonly body: unknown } | { readonly yaml: string };

const job = (name: string): string => `/jobs/${encodeURIComponent(name)}`;
const run = (id: string): string => `/runs/${encodeURIComponent(id)}`;

/**
 * A key for one intended change. Not `randomUUID`, which browsers do not offer to pages over plain HTTP from
 * another host.
 */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Repeating it with the same key after a lost response returns the same run. */
export const triggerJob = (name: string, params: Readonly<Record<string, string>>, key: string) =>
  send<WireRun>('POST', `${job(name)}/trigger`, { body: { params }, headers: { 'idempotency-key': key } });

/** Starts several jobs. Repeating it with the same key returns the same start. */
export const triggerJobs = (jobs: readonly string[], params: Readonly<Record<string, string>>, key: string) =>
  send<WireStart>('POST', '/trigger', {
    body: { jobs, ...(Object.keys(params).length > 0 && { params }) },
    headers: { 'idempotency-key': key },
  });

/** Which jobs would start and which would follow. */
export const foreseeStart = (jobs: readonly string[]) =>
  send<WireStart>('POST', '/trigger', { body: { jobs }, query: { dryRun: true } });

/** What a backfill would run. */
export const planBackfill = (body: WireNewBackfill) =>
  send<WireBackfillPlan>('POST', '/backfills', { body, query: { dryRun: true } });

/** Repeating it with the same key returns the same backfill. */
export const makeBackfill = (body: WireNewBackfill, key: string) =>
  send<WireBackfill>('POST', '/backfills', { body, headers: { 'idempotency-key': key } });

export const changeBackfill = (id: string, change: 'pause' | 'resume' | 'cancel') =>
  send<WireBackfill>('POST', `/backfills/${encodeURIComponent(id)}/${change}`);

export const pauseJob = (name: string) => send<WireJob>('POST', `${job(name)}/pause`);
export const resumeJob = (name: string) => send<WireJob>('POST', `${job(name)}/resume`);

export const acknowledgeAlert = (id: string) =>
  send<WireAlert>('POST', `/alerts/${encodeURIComponent(id)}/acknowledge`);

export const muteJob = (name: string, body: { readonly until: string; readonly reason: string }) =>
  send<WireMute>('PUT', `${job(name)}/mute`, { body });
export const unmuteJob = (name: string) => send<WireMute>('DELETE', `${job(name)}/mute`);

/** A message that could not be delivered. */
export const sendAgain = (id: string) =>
  send<WireNotification>('POST', `/notifications/${encodeURIComponent(id)}/send`);

export const deleteJob = (name: string, dependents: Dependents) =>
  send<WireDeletion>('DELETE', job(name), { query: { dependents } });

export const killRun = (id: string) => send<WireRun>('POST', `${run(id)}/kill`);

export const rerunRun = (id: string, key: string) =>
  send<WireRun>('POST', `${run(id)}/rerun`, { headers: { 'idempotency-key': key } });

export const createJob = (written: Written) => send<WireJobChange>('POST', '/jobs', written);

/** REVISION_CONFLICT if the job is no longer at `revision`. */
export const replaceJob = (name: string, written: Written, revision: number) =>
  send<WireJobChange>('PUT', job(name), { ...written, headers: { 'if-match': `"${revision}"` } });

export const restoreRevision = (name: string, number: number) =>
  send<WireJobChange>('POST', `${job(name)}/revisions/${number}/restore`);

/** Dry-runs the definition on the server; nothing is stored. */
export const tryJob = (written: Written) =>
  send<WireApply>('POST', '/apply', {
    query: { dryRun: true },
    ...('yaml' in written ? written : { body: [written.body] }),
  });

/** The answer has the text of the token, this once. */
export const createToken = (body: {
  readonly name: string;
  readonly bindings: readonly WireBinding[];
  readonly expiresAt?: string;
}) => send<WireNewToken>('POST', '/tokens', { body });

export const revokeToken = (id: string) => send<WireToken>('DELETE', `/tokens/${encodeURIComponent(id)}`);
