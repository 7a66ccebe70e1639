/** Sends messages to the receivers in the file of alerts. */

import { CarillonError, firstOf, invariant } from '../errors.ts';
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

/** Its receivers can be replaced. What is being sent meanwhile is not interrupted. */
export interface Deliveries extends Notifier {
  /** INVALID_FIELD if a file that a receiver names cannot be used; then the receivers are the same as before. */
  use(receivers: Receivers): Promise<void>;
}

/** `start` fails like `use`. */
export function createNotifier(receivers: Receivers, parts: ReceiverParts): Deliveries {
  let all = receiversOf(receivers, parts);
  const stopping = new AbortController();
  const sending = new Set<Promise<void>>();
  return {
    get receivers() {
      return new Set(all.keys());
    },
    start: () => check(all),
    async use(next) {
      const others = receiversOf(next, parts);
      await check(others);
      all = others;
    },
    async stop() {
      stopping.abort();
      await Promise.allSettled(sending);
    },
    async send(name, message, about) {
      const receiver = all.get(name);
      if (receiver === undefined) throw refused(`There is no receiver ${name}.`);
      if (stopping.signal.aborted) throw interrupted();
      const delivery = receiver.send(shown(message), stopping.signal, about);
      sending.add(delivery);
      await delivery.finally(() => sending.delete(delivery));
    },
  };
}

const receiversOf = (receivers: Receivers, parts: ReceiverParts): ReadonlyMap<string, Receiver> =>
  new Map(Object.entries(receivers).map(([name, settings]) => [name, receiverOf(settings, parts)]));

/** Throws the first problem, carrying the others. */
async function check(receivers: ReadonlyMap<string, Receiver>): Promise<void> {
  const problems: CarillonError[] = [];
  for (const [name, receiver] of receivers)
    await receiver.check().catch((error: unknown) => problems.push(unusable(name, error)));
  const problem = firstOf(problems);
  if (problem !== null) throw problem;
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

function unusable(name: string, error: unknown): CarillonError {
  if (!(error instanceof CarillonError)) throw error;
  const field = `receivers.${name}`;
  return new CarillonError('INVALID_FIELD', `${field}: ${error.message}`, { ...error.details, field });
}
