/**
 * Alerts for Alertmanager's API 2. It tells alerts apart by their labels, so all messages about one alert have the same;
 * routing, grouping, silences and repetitions are its own.
 */

import type { Message } from '../scheduler/model/alert.ts';
import { durationMs } from '../scheduler/schedule/period.ts';
import { post } from './http.ts';
import { proxyOf } from './proxy.ts';
import type { Receiver, ReceiverParts } from './receiver.ts';
import type { AlertmanagerSettings } from './schema.ts';
import { readUrl } from './secret.ts';
import { linkOf, oneLine } from './text.ts';

const valueLength = 1_000;
/** Without `endsAt`, Alertmanager would end it minutes after the message. */
const OPEN_FOR = 'P7D';

export function alertmanagerReceiver(settings: AlertmanagerSettings, parts: ReceiverParts): Receiver {
  const { url, urlFile, openFor = OPEN_FOR } = settings;
  const addresses = async () => ({
    url: url ?? (await readUrl(urlFile as string)),
    proxy: await proxyOf(settings),
  });
  const openMs = durationMs(openFor, 'openFor');
  return {
    check: async () => void (await addresses()),
    send: async (message, signal) => {
      // Nobody has to do anything, and nothing would end it.
      if (message.step === 'notice') return;
      const { url: base, proxy } = await addresses();
      const target = new URL(base);
      target.pathname = `${target.pathname.replace(/\/+$/, '')}/api/v2/alerts`;
      const endsAt = message.step === 'resolved' ? message.at : parts.clock.now() + openMs;
      const body = JSON.stringify([alertOf(message, endsAt, parts.installation())]);
      return post({ url: target.href, proxy, body }, parts, signal);
    },
  };
}

function alertOf(message: Message, endsAt: number, installation: string): object {
  const { step, condition, job, subject, severity, owner, since, title, facts, output } = message;
  const link = linkOf(message);
  const own = {
    alertname: `Carillon${capital(step === 'test' ? step : condition)}`,
    ...(job !== null && { job }),
    ...(subject !== '' && { subject }),
    ...{ severity, installation },
    ...(owner !== null && { owner }),
  };
  return {
    labels: named({ ...own }, message.labels),
    annotations: {
      summary: title,
      ...(facts.length > 0 && { description: facts.map(({ name, text }) => `${name}: ${text}`).join('\n') }),
      ...(output.length > 0 && { output: output.join('\n') }),
    },
    startsAt: new Date(since).toISOString(),
    endsAt: new Date(Math.max(endsAt, since)).toISOString(),
    ...(link !== null && { generatorURL: link }),
  };
}

/** `AtRisk` for `at-risk`. */
const capital = (words: string): string =>
  words
    .split('-')
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
    .join('');

/** The job's labels beside our own, which win. A name may have fewer characters here; an empty value is none. */
function named(
  own: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): Record<string, string> {
  const all: Record<string, string> = {};
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, value] of [...Object.entries(own), ...sorted]) {
    const label = name.replaceAll(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d)/, '_');
    const text = oneLine(value, valueLength);
    if (text !== '' && !Object.hasOwn(all, label)) all[label] = text;
  }
  return all;
}
