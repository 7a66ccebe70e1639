/** Requests to any HTTP server. With a key they are signed, so that it can tell who sent them and when. */

import { createHmac } from 'node:crypto';
import { noticeOf } from '../scheduler/chronos/notice.ts';
import type { Condition, Message } from '../scheduler/model/alert.ts';
import type { About } from '../scheduler/notifier.ts';
import { post } from './http.ts';
import { proxyOf } from './proxy.ts';
import type { Receiver, ReceiverParts } from './receiver.ts';
import type { WebhookSettings } from './schema.ts';
import { readSecret, readUrl } from './secret.ts';
import { fill } from './template.ts';
import { headline, linkOf, plainKey, plainText } from './text.ts';

export function webhookReceiver(settings: WebhookSettings, parts: ReceiverParts): Receiver {
  const { contentType = 'application/json', headers = {} } = settings;
  return {
    check: async () => void (await secretsOf(settings)),
    send: async (message, signal, about) => {
      const { url, proxy, key, secretHeaders } = await secretsOf(settings);
      const body = bodyOf(message, settings, about);
      const request = {
        ...{ url, proxy, contentType, body },
        headers: {
          ...headers,
          ...secretHeaders,
          'idempotency-key': plainKey(message.key),
          ...(key !== null && { 'x-carillon-signature': signature(key, parts.clock.now(), body) }),
        },
        secrets: [...Object.values(secretHeaders), ...(key === null ? [] : [key])],
      };
      return post(request, parts, signal);
    },
  };
}

async function secretsOf(settings: WebhookSettings) {
  const { url, urlFile, secretFile, headerFiles = {} } = settings;
  const read = async ([name, file]: [string, string]) => [name, await readSecret(file)] as const;
  return {
    url: url ?? (await readUrl(urlFile as string)),
    proxy: await proxyOf(settings),
    key: secretFile === undefined ? null : await readSecret(secretFile),
    secretHeaders: Object.fromEntries(await Promise.all(Object.entries(headerFiles).map(read))),
  };
}

/** The time is signed too, so that a recorded request cannot be sent again later. */
function signature(key: string, nowMs: number, body: string): string {
  const seconds = Math.floor(nowMs / 1_000);
  return `t=${seconds},v1=${createHmac('sha256', key).update(`${seconds}.${body}`).digest('hex')}`;
}

function bodyOf(message: Message, settings: WebhookSettings, about: About | undefined): string {
  const { template, format, contentType = 'application/json' } = settings;
  if (format === 'chronos') return chronosJson(message, about);
  return template === undefined ? messageJson(message) : fill(template, message, contentType);
}

/** As Chronos sent it (`--http_notification_url`): all values are texts. */
function chronosJson(message: Message, about: About | undefined): string {
  const { step, condition, owner } = message;
  const job = about === undefined ? { job: message.job ?? '' } : noticeOf(about);
  const told = step === 'opened' ? chronosSubjects[condition] : undefined;
  const subject = told === undefined ? headline(message) : `[Chronos] job '${job.job}' ${told}`;
  return JSON.stringify({ subject, message: plainText(message), to: owner ?? '', ...job });
}

const chronosSubjects: Partial<Record<Condition, string>> = { failed: 'failed!', disabled: 'disabled' };

/** The message with ISO 8601 timestamps. */
export function messageJson(message: Message): string {
  const {
    key,
    alertKey,
    step,
    condition,
    severity,
    job,
    subject,
    owner,
    labels,
    since,
    at,
    title,
    facts,
    output,
  } = message;
  return JSON.stringify({
    ...{ key, alertKey, step, condition, severity, job, subject, owner, labels },
    since: new Date(since).toISOString(),
    at: new Date(at).toISOString(),
    ...{ title, facts, output, link: linkOf(message) },
  });
}
