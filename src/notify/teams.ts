/** Messages for workflows of Microsoft Teams, as an Adaptive Card, whose texts are Markdown except in a RichTextBlock. */

import type { Message } from '../scheduler/model/alert.ts';
import { post } from './http.ts';
import { proxyOf } from './proxy.ts';
import type { Receiver, ReceiverParts } from './receiver.ts';
import type { TeamsSettings } from './schema.ts';
import { readUrl } from './secret.ts';
import { fitting, headline, lastLines, linkOf } from './text.ts';

/** Teams takes 28 kB; a character may need four bytes. */
const outputLength = 3_000;
const titleLength = 500;
const factLength = 300;
const mostFacts = 12;

export function teamsReceiver(settings: TeamsSettings, parts: ReceiverParts): Receiver {
  const addresses = async () => ({ url: await readUrl(settings.urlFile), proxy: await proxyOf(settings) });
  return {
    check: async () => void (await addresses()),
    send: async (message, signal) =>
      post({ ...(await addresses()), body: JSON.stringify(teamsMessage(message)) }, parts, signal),
  };
}

/** Braces too: `{{DATE(…)}}` would be replaced. */
const escapeSign = (text: string): string => text.replaceAll(/[\\`*_{}[\]()<>#|~&]/g, (sign) => `\\${sign}`);

/** The text as Markdown that shows it: what begins a list has a meaning only at the beginning. */
const markdown = (text: string, most: number): string =>
  fitting(text, most, escapeSign).replace(/^(\d*)([-+.)])/, '$1\\$2');

const colours = { critical: 'Attention', warning: 'Warning', info: 'Accent' } as const;

function teamsMessage(message: Message): object {
  const { step, severity, facts, output } = message;
  const link = linkOf(message);
  const title = {
    ...{
      type: 'TextBlock',
      text: markdown(headline(message), titleLength),
      wrap: true,
      size: 'Medium',
      weight: 'Bolder',
    },
    color: step === 'resolved' ? 'Good' : colours[severity],
  };
  const known = {
    type: 'FactSet',
    facts: facts.slice(0, mostFacts).map(({ name, text }) => ({
      title: markdown(name, factLength),
      value: markdown(text, factLength),
    })),
  };
  const lines = {
    type: 'RichTextBlock',
    separator: true,
    inlines: [
      { type: 'TextRun', text: lastLines(output, outputLength), fontType: 'Monospace', size: 'Small' },
    ],
  };
  const content = {
    ...{
      $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
      type: 'AdaptiveCard',
      version: '1.4',
    },
    msteams: { width: 'Full' },
    body: [title, ...(facts.length === 0 ? [] : [known]), ...(output.length === 0 ? [] : [lines])],
    actions: link === null ? [] : [{ type: 'Action.OpenUrl', title: 'Open in Carillon', url: link }],
  };
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
  };
}
