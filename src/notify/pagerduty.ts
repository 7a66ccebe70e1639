/** Events for PagerDuty's Events API 2. An alert is one incident: its key is that of the alert. */

import type { Message } from '../scheduler/model/alert.ts';
import { post } from './http.ts';
import { proxyOf } from './proxy.ts';
import type { Receiver, ReceiverParts } from './receiver.ts';
import type { PagerDutySettings } from './schema.ts';
import { readSecret } from './secret.ts';
import { fitting, linkOf, plainKey } from './text.ts';

const defaultUrl = 'https://events.pagerduty.com/v2/enqueue';
const summaryLength = 1_024;

export function pagerDutyReceiver(settings: PagerDutySettings, parts: ReceiverParts): Receiver {
  const { routingKeyFile, url = defaultUrl } = settings;
  const secrets = async () => ({ key: await readSecret(routingKeyFile), proxy: await proxyOf(settings) });
  return {
    check: async () => void (await secrets()),
    send: async (message, signal) => {
      // Nobody has to do anything, and nothing would end it.
      if (message.step === 'notice') return;
      const { key, proxy } = await secrets();
      return post({ url, proxy, body: JSON.stringify(eventOf(message, key)), secrets: [key] }, parts, signal);
    },
  };
}

function eventOf(message: Message, routingKey: string): object {
  const { step, alertKey } = message;
  const event = { routing_key: routingKey, dedup_key: plainKey(alertKey) };
  if (step === 'resolved') return { ...event, event_action: 'resolve' };
  const { key, title, job, condition, severity, owner, labels, since, facts, output } = message;
  const link = linkOf(message);
  return {
    ...event,
    event_action: 'trigger',
    client: 'Carillon',
    ...(link !== null && { client_url: link }),
    payload: {
      summary: fitting(step === 'test' ? `Test: ${title}` : title, summaryLength),
      source: job ?? 'carillon',
      // PagerDuty has the same three, and `error`. A test pages nobody for a reason.
      severity: step === 'test' ? 'info' : severity,
      timestamp: new Date(since).toISOString(),
      class: condition,
      ...(owner !== null && { group: owner }),
      custom_details: { key, facts, output: output.join('\n'), labels },
    },
  };
}
