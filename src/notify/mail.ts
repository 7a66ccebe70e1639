/**
 * Mail through an SMTP server. All mails about one alert are one thread: each refers to the same mail, which nobody has
 * ever sent. A repetition has the same Message-ID, by which mail programs recognise it.
 */

import { readFile } from 'node:fs/promises';
import MailComposer from 'nodemailer/lib/mail-composer';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { CarillonError } from '../errors.ts';
import type { Message } from '../scheduler/model/alert.ts';
import { addressesOf } from '../scheduler/model/owner.ts';
import type { Clock } from '../scheduler/ports.ts';
import { failed, interrupted, quoted, refused } from './problem.ts';
import type { Receiver, ReceiverParts } from './receiver.ts';
import type { MailSettings } from './schema.ts';
import { readSecret } from './secret.ts';
import { digest, escapeHtml, headline, linkOf, plainKey, plainText } from './text.ts';

/** From the first packet to the server's last word. */
const sentWithinMs = 30_000;
const ports = { starttls: 587, implicit: 465, none: 25 } as const;

export function mailReceiver(settings: MailSettings, { clock }: ReceiverParts): Receiver {
  return {
    check: async () => void (await secretsOf(settings)),
    send: async (message, signal) => {
      const secrets = await secretsOf(settings);
      const to = recipientsOf(message, settings);
      if (to.length === 0) throw refused('The owner of the job has no mail address that may get messages.');
      const raw = await new MailComposer(mailOf(message, settings, to)).compile().build();
      await transfer(raw, { settings, to, ...secrets }, clock, signal);
    },
  };
}

interface Secrets {
  readonly password: string | null;
  readonly ca: string | null;
}

async function secretsOf({ passwordFile, caFile }: MailSettings): Promise<Secrets> {
  const readCa = (file: string): Promise<string> =>
    readFile(file, 'utf8').catch(({ code }: NodeJS.ErrnoException) => {
      throw failed(`${file}: it cannot be read (${code}). Allowed: a file that the scheduler may read.`);
    });
  return {
    password: passwordFile === undefined ? null : await readSecret(passwordFile),
    ca: caFile === undefined ? null : await readCa(caFile),
  };
}

/** A test is about no job, so it goes back to its sender. */
function recipientsOf({ step, owner }: Message, { to, from, ownerDomains }: MailSettings): readonly string[] {
  if (to !== undefined) return to;
  return step === 'test' ? [from] : addressesOf(owner, ownerDomains ?? null);
}

interface Mailbox {
  readonly name: string;
  readonly address: string;
}

/** `Operations <ops@example.com>`, or only the address. */
function mailboxOf(text: string): Mailbox {
  const [, name = '', address = text] = /^(.*) <(.*)>$/.exec(text) ?? [];
  return { name, address };
}

function mailOf(message: Message, { from }: MailSettings, to: readonly string[]) {
  const sender = mailboxOf(from);
  const domain = sender.address.slice(sender.address.lastIndexOf('@') + 1);
  const idOf = (key: string): string => `<${digest(key).slice(0, 32)}@${domain}>`;
  const thread = idOf(`alert ${message.alertKey}`);
  return {
    from: sender,
    to: to.map(mailboxOf),
    subject: headline(message),
    messageId: idOf(`message ${message.key}`),
    ...(message.step !== 'test' && { inReplyTo: thread, references: [thread] }),
    date: new Date(message.at),
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Carillon-Key': plainKey(message.key) },
    text: plainText(message),
    html: html(message),
    baseBoundary: digest(message.key).slice(0, 16),
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function html(message: Message): string {
  const { facts, output } = message;
  const link = linkOf(message);
  const rows = facts.map(
    ({ name, text }) => `<tr><th align="left">${escapeHtml(name)}</th><td>${escapeHtml(text)}</td></tr>`,
  );
  const parts = [
    `<p><strong>${escapeHtml(headline(message))}</strong></p>`,
    rows.length === 0 ? '' : `<table>\n${rows.join('\n')}\n</table>`,
    output.length === 0 ? '' : `<p>Last lines of output:</p>\n<pre>${escapeHtml(output.join('\n'))}</pre>`,
    link === null ? '' : `<p><a href="${escapeHtml(link)}">Open in Carillon</a></p>`,
  ];
  return `${parts.filter((part) => part !== '').join('\n')}\n`;
}

interface Transfer extends Secrets {
  readonly settings: MailSettings;
  readonly to: readonly string[];
}

async function transfer(raw: Buffer, how: Transfer, clock: Clock, signal: AbortSignal): Promise<void> {
  const { settings, to, password, ca } = how;
  const { from, host, tls = 'starttls', port = ports[tls], user } = settings;
  const connection = new SMTPConnection({
    ...{ host, port, secure: tls === 'implicit', requireTLS: tls === 'starttls', ignoreTLS: tls === 'none' },
    tls: { minVersion: 'TLSv1.2', ...(ca !== null && { ca }) },
    socketCloseTimeout: 0,
    maxResponseSize: 64 * 1024,
  });
  let ended: CarillonError | null = null;
  const end = (problem: CarillonError): void => {
    ended ??= problem;
    connection.close();
  };
  const onStop = (): void => end(interrupted());
  const cancel = clock.after(sentWithinMs, () =>
    end(failed(`${host}:${port} did not take the mail within ${sentWithinMs / 1_000} s.`)),
  );
  signal.addEventListener('abort', onStop);
  try {
    if (signal.aborted) throw interrupted();
    await conversation(
      connection,
      { from, to },
      raw,
      user === undefined ? null : { user, pass: password ?? '' },
    );
  } catch (error) {
    throw ended ?? problemOf(error as SmtpError, `${host}:${port}`, password);
  } finally {
    cancel();
    signal.removeEventListener('abort', onStop);
    connection.close();
  }
}

/** Rejects also if the connection ends meanwhile. */
function conversation(
  connection: SMTPConnection,
  { from, to }: { from: string; to: readonly string[] },
  raw: Buffer,
  login: { user: string; pass: string } | null,
): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.on('error', reject);
    connection.once('end', () => reject(new Error('the connection was closed')));
    const send = (): void =>
      connection.send(
        { from: mailboxOf(from).address, to: to.map((each) => mailboxOf(each).address), size: raw.length },
        raw,
        (error, info) => {
          const [rejected] = info?.rejectedErrors ?? [];
          if (error !== null) reject(error);
          else if (rejected !== undefined) reject(rejected);
          else resolve();
        },
      );
    connection.connect((error) => {
      if (error) reject(error);
      else if (login === null) send();
      else connection.login(login, (refusal) => (refusal === null ? send() : reject(refusal)));
    });
  });
}

interface SmtpError extends Error {
  readonly code?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

/** What is not sent at all because of the mail, such as one that is larger than the server takes. */
const ofMail = ['EMESSAGE', 'EENVELOPE'];

/** 5xx will be said again, and a mail stays as it is; all other responses, and what the network does, do not. */
function problemOf(error: SmtpError, place: string, password: string | null): Error {
  const { code = '', responseCode, response, message } = error;
  const said = quoted(response ?? message, password === null ? [] : [password]);
  if (responseCode === undefined && ofMail.includes(code))
    return refused(`The mail cannot be sent to ${place}${said}.`);
  if (responseCode === undefined) return failed(`The mail server ${place} cannot be used${said}.`);
  const words = `The mail server ${place} responded${said}.`;
  return responseCode >= 500 ? refused(words) : failed(words);
}
