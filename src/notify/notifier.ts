/** Sends messages to the receivers in the file of alerts. */

import { CarillonError, invariant } from '../errors.ts';
import type { Notifier } from '../scheduler/notifier.ts';
import { alertmanagerReceiver } from './alertmanager.ts';
import { commandReceiver } from './command.ts';
import { mailReceiver } from './mail.ts';
import { pagerDutyReceiver } from './pagerduty.ts';
import { interrupted, refused } from './problem.ts';
import type { Receiver, ReceiverParts } from './receiver.ts';
import type { ReceiverSettings, Receivers } from './schema.ts';
import { slackReceiver } from './slack.ts';
import { teamsReceiver } from './teams.ts';
import { shown } from './text.ts';
import { webhookReceiver } from './webhook.ts';

/** `start` fails with INVALID_FIELD if a file that a receiver names cannot be used. */
export function createNotifier(receivers: Receivers, parts: ReceiverParts): Notifier {
  const all = new Map(
    Object.entries(receivers).map(([name, settings]) => [name, receiverOf(settings, parts)]),
  );
  const stopping = new AbortController();
  const sending = new Set<Promise<void>>();
  return {
    receivers: new Set(all.keys()),
    async start() {
      for (const [name, receiver] of all)
        await receiver.check().catch((error) => Promise.reject(unusable(name, error)));
    },
    async stop() {
      stopping.abort();
      await Promise.allSettled(sending);
    },
    async send(name, message) {
      const receiver = all.get(name);
      if (receiver === undefined) throw refused(`There is no receiver ${name}.`);
      if (stopping.signal.aborted) throw interrupted();
      const delivery = receiver.send(shown(message), stopping.signal);
      sending.add(delivery);
      await delivery.finally(() => sending.delete(delivery));
    },
  };
}

function receiverOf(settings: ReceiverSettings, parts: ReceiverParts): Receiver {
  const { mail, slack, teams, pagerduty, webhook, alertmanager, command } = settings;
  const receiver =
    (mail && mailReceiver(mail, parts)) ??
    (slack && slackReceiver(slack, parts)) ??
    (teams && teamsReceiver(teams, parts)) ??
    (pagerduty && pagerDutyReceiver(pagerduty, parts)) ??
    (webhook && webhookReceiver(webhook, parts)) ??
    (alertmanager && alertmanagerReceiver(alertmanager, parts)) ??
    (command && commandReceiver(command, parts));
  invariant(receiver !== undefined, 'a checked receiver has a kind');
  return receiver;
}

function unusable(name: string, error: unknown): unknown {
  if (!(error instanceof CarillonError)) return error;
  const field = `receivers.${name}`;
  return new CarillonError('INVALID_FIELD', `${field}: ${error.message}`, { ...error.details, field });
}
