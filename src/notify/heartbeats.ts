/**
 * Services that expect to hear of a job, such as Healthchecks or Cronitor. Each has one address, to which something is
 * appended for a start, a success and a failure. The address is a secret of its own in most of them.
 */

import { createHash } from 'node:crypto';
import { type Static, Type } from 'typebox';
import type { Findings } from '../scheduler/job/schema/explain.ts';
import type { Beat } from '../scheduler/job/schema/heartbeat.ts';
import { closed } from '../scheduler/job/schema/parts.ts';
import type { JobBeat } from '../scheduler/notifier.ts';
import { post } from './http.ts';
import { refused } from './problem.ts';
import { proxyOf } from './proxy.ts';
import type { ReceiverParts } from './receiver.ts';
import { checkService } from './receivers.ts';
import { addressFields, receiverName } from './schema.ts';
import { readUrl } from './secret.ts';

const appended = (description: string) =>
  Type.Optional(Type.String({ description, pattern: '^(?:/[!-~]*|\\?[!-~]+)?$', maxLength: 200 }));

export const HeartbeatSchema = Type.Object(
  {
    ...addressFields,
    start: appended('Appended for a start. Default: /start?rid={{run}}'),
    success: appended('Appended for a success. Default: ?rid={{run}}'),
    failure: appended('Appended for a failure. Default: /fail?rid={{run}}'),
  },
  { ...closed, description: 'A service that expects to hear of a job.' },
);
export type HeartbeatSettings = Static<typeof HeartbeatSchema>;
export type Heartbeats = Readonly<Record<string, HeartbeatSettings>>;

/** The words of Healthchecks. */
const usual: Readonly<Record<Beat, string>> = {
  start: '/start?rid={{run}}',
  success: '?rid={{run}}',
  failure: '/fail?rid={{run}}',
};

export function checkHeartbeat(name: string, settings: HeartbeatSettings, findings: Findings): void {
  checkService(`heartbeats.${name}`, settings, findings);
  if (receiverName.test(name)) return;
  findings.add('INVALID_FIELD', `heartbeats.${name} is not a name.`, {
    field: `heartbeats.${name}`,
    allowed: 'up to 63 letters, digits and . _ -, the first a letter or digit',
  });
}

/** NOTIFICATION_FAILED if the file with its address cannot be used. */
export async function checkAddressFile({ urlFile }: HeartbeatSettings): Promise<void> {
  if (urlFile !== undefined) await readUrl(urlFile);
}

export async function sendBeat(
  settings: HeartbeatSettings | undefined,
  { job, run, beat }: JobBeat,
  parts: Pick<ReceiverParts, 'clock' | 'environment'>,
  signal: AbortSignal,
): Promise<void> {
  if (settings === undefined) throw refused('There is no such service in heartbeats of the file of alerts.');
  const base = settings.url ?? (await readUrl(settings.urlFile as string));
  const fill = (text: string): string =>
    text.replaceAll('{{job}}', encodeURIComponent(job)).replaceAll('{{run}}', uuidOf(run));
  const url = withAppended(fill(base), fill(settings[beat] ?? usual[beat]));
  await post({ url, proxy: await proxyOf(settings), contentType: 'text/plain', body: '' }, parts, signal);
}

/** The path goes behind the path, and the query behind the query. */
function withAppended(base: string, appendix: string): string {
  const url = new URL(base);
  const [path = '', ...query] = appendix.split('?');
  if (path !== '') url.pathname = `${url.pathname.replace(/\/$/, '')}${path}`;
  if (query.length > 0) url.search = [url.search, query.join('?')].filter((part) => part !== '').join('&');
  return url.href;
}

/** Healthchecks wants a UUID, the same for the start and the end of a run. */
function uuidOf(run: string): string {
  const hex = createHash('sha256').update(run).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
