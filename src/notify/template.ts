/** Bodies of webhooks that the user writes, with placeholders such as `{{title}}`. */

import type { Message } from '../scheduler/model/alert.ts';
import { escapeHtml, headline, linkOf, plainText } from './text.ts';

const values = {
  key: ({ key }) => key,
  alertKey: ({ alertKey }) => alertKey,
  step: ({ step }) => step,
  condition: ({ condition }) => condition,
  severity: ({ severity }) => severity,
  job: ({ job }) => job ?? '',
  subject: ({ subject }) => subject,
  owner: ({ owner }) => owner ?? '',
  since: ({ since }) => new Date(since).toISOString(),
  at: ({ at }) => new Date(at).toISOString(),
  title: ({ title }) => title,
  headline,
  text: plainText,
  facts: ({ facts }) => facts.map(({ name, text }) => `${name}: ${text}`).join('\n'),
  output: ({ output }) => output.join('\n'),
  link: (message) => linkOf(message) ?? '',
} satisfies Readonly<Record<string, (message: Message) => string>>;

/** Names of placeholders; beside them there is one for each label, `labels.team`. */
export const placeholders = Object.keys(values);

const placeholder = /\{\{\s*([^{}]*?)\s*\}\}/g;
const label = /^labels\.(.+)$/;

/** The first placeholder that has no meaning, or null. */
export function unknownPlaceholder(template: string): string | null {
  const names = [...template.matchAll(placeholder)].map(([, name = '']) => name);
  return names.find((name) => !label.test(name) && !Object.hasOwn(values, name)) ?? null;
}

/** What each media type needs. Anything else gets the texts as they are. */
const escapes: readonly (readonly [type: RegExp, encode: (text: string) => string])[] = [
  [/^[^;]*[/+]json(?:;|$)/i, (text) => JSON.stringify(text).slice(1, -1)],
  [/^[^;]*[/+](?:html|xml)(?:;|$)/i, escapeHtml],
  [/^application\/x-www-form-urlencoded/i, encodeURIComponent],
];
export const isJson = (contentType: string): boolean => escapes[0]![0].test(contentType);

export function fill(template: string, message: Message, contentType: string): string {
  const encode = escapes.find(([type]) => type.test(contentType))?.[1] ?? ((text: string) => text);
  return template.replaceAll(placeholder, (_, name: string) => encode(valueIn(name, message)));
}

function valueIn(name: string, message: Message): string {
  const [, wanted = ''] = label.exec(name) ?? [];
  if (wanted !== '') return Object.hasOwn(message.labels, wanted) ? (message.labels[wanted] as string) : '';
  return values[name as keyof typeof values](message);
}
