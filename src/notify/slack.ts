/** Messages for Slack's incoming webhooks, as blocks. Limits are those of Slack, for texts as they are sent. */

import type { Message } from '../scheduler/model/alert.ts';
import { post } from './http.ts';
import { proxyOf } from './proxy.ts';
import type { Receiver, ReceiverParts } from './receiver.ts';
import type { SlackSettings } from './schema.ts';
import { readUrl } from './secret.ts';
import { fitting, headline, lastLines, linkOf } from './text.ts';

const sectionLength = 3_000;
const factLength = 600;
const fence = '```';

export function slackReceiver(settings: SlackSettings, parts: ReceiverParts): Receiver {
  const addresses = async () => ({ url: await readUrl(settings.urlFile), proxy: await proxyOf(settings) });
  return {
    check: async () => void (await addresses()),
    send: async (message, signal) =>
      post({ ...(await addresses()), body: JSON.stringify(slackMessage(message)) }, parts, signal),
  };
}

/** Without these three characters a text holds no link and no mention, such as `<!channel>`. */
const escapeMrkdwn = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** A fence in the output would end the block. */
const escapeOutput = (text: string): string => escapeMrkdwn(text.replaceAll('`', "'"));

function slackMessage(message: Message): object {
  const { facts, output } = message;
  const title = fitting(headline(message), sectionLength - 2, escapeMrkdwn);
  const lines = facts.map(
    ({ name, text }) => `${escapeMrkdwn(name)}: ${fitting(text, factLength, escapeMrkdwn)}`,
  );
  const link = linkOf(message);
  return {
    // For notifications, and for programs that know no blocks.
    text: title,
    unfurl_links: false,
    blocks: [
      section(`*${title}*`),
      ...(lines.length === 0 ? [] : [section(firstLines(lines, sectionLength))]),
      ...(output.length === 0
        ? []
        : [section(`${fence}${lastLines(output, sectionLength - 2 * fence.length, escapeOutput)}${fence}`)]),
      ...(link === null ? [] : [section(`<${escapeMrkdwn(link).replaceAll('|', '%7C')}|Open in Carillon>`)]),
    ],
  };
}

/** `verbatim`: names of channels and people in a text stay texts. */
const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text, verbatim: true } });

function firstLines(lines: readonly string[], most: number): string {
  let text = '';
  for (const line of lines) {
    if (text.length + line.length + 1 > most) break;
    text += text === '' ? line : `\n${line}`;
  }
  return text;
}
