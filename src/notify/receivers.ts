/** What the schema of receivers cannot say: kinds, addresses, headers, templates, paths of files. */

import { shownInMessage } from '../scheduler/job/masked.ts';
import type { Findings, Hints } from '../scheduler/job/schema/explain.ts';
import { nearest } from '../scheduler/job/schema/nearest.ts';
import type { Message } from '../scheduler/model/alert.ts';
import { durationMs } from '../scheduler/schedule/period.ts';
import {
  filePath,
  type MailSettings,
  type ProxySettings,
  type ReceiverSettings,
  receiverKinds,
  receiverName,
  type WebhookSettings,
} from './schema.ts';
import { isUrl } from './secret.ts';
import { fill, isJson, placeholders, unknownPlaceholder } from './template.ts';

/** Other words for the kinds of receivers. */
const otherWords: Readonly<Record<string, keyof ReceiverSettings>> = {
  email: 'mail',
  smtp: 'mail',
  msteams: 'teams',
  http: 'webhook',
  prometheus: 'alertmanager',
  exec: 'command',
  script: 'command',
};

export const receiverHints: Hints = {
  value: () => null,
  field(field) {
    const [, receiver, kind = ''] = /^(receivers\.[^.]+)\.([^.]+)$/.exec(field) ?? [];
    const near = nearest(kind, Object.keys(otherWords));
    return near === null ? null : `${receiver}.${otherWords[near]}`;
  },
};

type Refuse = (field: string, problem: string, allowed: string, value?: unknown) => void;

/** Checked by the schema before. */
export function checkReceiver(name: string, settings: ReceiverSettings, findings: Findings): void {
  const at = `receivers.${name}`;
  const refuse: Refuse = (field, problem, allowed, value) =>
    findings.add('INVALID_FIELD', `${field} ${problem}. Allowed: ${allowed}.`, { field, value, allowed });
  const kinds = Object.keys(settings) as (keyof ReceiverSettings)[];
  if (!receiverName.test(name))
    refuse(at, 'is not a name', 'up to 63 letters, digits and . _ -, the first a letter or digit', name);
  if (kinds.length !== 1)
    refuse(
      at,
      `has ${kinds.length === 0 ? 'no kind' : kinds.join(' and ')}`,
      `exactly one of ${Object.keys(receiverKinds).join(', ')}`,
    );
  const { mail, pagerduty, webhook, alertmanager } = settings;
  for (const kind of kinds) {
    checkFiles(`${at}.${kind}`, settings[kind] as object, refuse);
    checkProxy(`${at}.${kind}`, settings[kind] as ProxySettings, refuse);
  }
  if (mail) {
    checkLogin(`${at}.mail`, mail, refuse);
    checkRecipients(`${at}.mail`, mail, refuse);
  }
  if (pagerduty?.url !== undefined) checkUrl(`${at}.pagerduty`, pagerduty.url, refuse);
  if (webhook) {
    checkAddress(`${at}.webhook`, webhook, refuse);
    checkHeaders(`${at}.webhook`, webhook, refuse);
    checkTemplate(`${at}.webhook`, webhook, refuse);
  }
  if (alertmanager) {
    const { openFor } = alertmanager;
    checkAddress(`${at}.alertmanager`, alertmanager, refuse);
    if (openFor !== undefined) findings.attempt(() => durationMs(openFor, `${at}.alertmanager.openFor`));
  }
}

/** An address in the form of `addressFields`, checked by the schema before. */
export function checkService(
  at: string,
  settings: { url?: string; urlFile?: string } & ProxySettings,
  findings: Findings,
): void {
  const refuse: Refuse = (field, problem, allowed, value) =>
    findings.add('INVALID_FIELD', `${field} ${problem}. Allowed: ${allowed}.`, { field, value, allowed });
  checkFiles(at, settings, refuse);
  checkProxy(at, settings, refuse);
  checkAddress(at, settings, refuse);
}

const aFile = 'the absolute path of a file';

function checkFiles(at: string, settings: object, refuse: Refuse): void {
  const named = Object.entries(settings).filter(([field]) => field.endsWith('File'));
  const { headerFiles = {} } = settings as WebhookSettings;
  const headers = Object.entries(headerFiles).map(([name, file]) => [`headerFiles.${name}`, file] as const);
  for (const [field, path] of [...named, ...headers])
    if (typeof path !== 'string' || !filePath.test(path))
      refuse(`${at}.${field}`, 'is not a path (its value is not shown)', aFile);
}

function checkLogin(at: string, { user, passwordFile, tls }: MailSettings, refuse: Refuse): void {
  if ((user === undefined) !== (passwordFile === undefined))
    refuse(`${at}.user`, 'and passwordFile belong together', 'both or none', user);
  else if (user !== undefined && tls === 'none')
    refuse(`${at}.tls`, 'is "none", which would send the password unencrypted', 'starttls or implicit', tls);
}

function checkRecipients(
  at: string,
  { to, toOwner = false, ownerDomains }: MailSettings,
  refuse: Refuse,
): void {
  if ((to === undefined) === !toOwner)
    refuse(at, `has ${toOwner ? 'to and toOwner' : 'neither to nor toOwner'}`, 'exactly one of them');
  if (ownerDomains !== undefined && !toOwner)
    refuse(`${at}.ownerDomains`, 'has no effect without toOwner', 'with toOwner: true', ownerDomains);
}

function checkAddress(
  at: string,
  { url, urlFile }: { url?: string; urlFile?: string },
  refuse: Refuse,
): void {
  if ((url === undefined) === (urlFile === undefined))
    refuse(
      at,
      `has ${url === undefined ? 'neither url nor urlFile' : 'url and urlFile'}`,
      'exactly one of them',
    );
  else if (url !== undefined) checkUrl(at, url, refuse);
}

function checkProxy(at: string, { proxy, proxyFile }: ProxySettings, refuse: Refuse): void {
  if (proxy !== undefined && proxyFile !== undefined)
    refuse(at, 'has proxy and proxyFile', 'at most one of them');
  else if (proxy !== undefined) checkUrl(at, proxy, refuse, 'proxy');
}

function checkUrl(at: string, url: string, refuse: Refuse, field = 'url'): void {
  const isGood = isUrl(url) && new URL(url).username === '' && new URL(url).password === '';
  if (isGood) return;
  const masked = shownInMessage(url).slice(0, 80);
  refuse(`${at}.${field}`, `is ${JSON.stringify(masked)}`, 'an http or https URL without a login', masked);
}

/** Set by the program, or by the connection. */
const reserved =
  /^(?:content-(?:type|length|encoding)|host|connection|keep-alive|upgrade|te|trailer|transfer-encoding|expect|idempotency-key|x-carillon-.*)$/i;
const telling =
  /^(?:proxy-)?authorization$|cookie|token|secret|passw|signature|credential|api-?key|auth-?key/i;

function checkHeaders(at: string, { headers = {}, headerFiles = {} }: WebhookSettings, refuse: Refuse): void {
  for (const [field, all] of Object.entries({ headers, headerFiles }))
    for (const name of Object.keys(all)) {
      const place = `${at}.${field}.${name}`;
      if (!/^[A-Za-z0-9!#$%&*+.^_|~-]{1,100}$/.test(name))
        refuse(place, 'is no name of a header', 'letters, digits and -');
      else if (reserved.test(name)) refuse(place, 'is set by Carillon', 'other headers');
    }
  for (const [name, value] of Object.entries(headers)) {
    const place = `${at}.headers.${name}`;
    if (telling.test(name)) refuse(place, 'looks like a secret', `a file with it, as headerFiles.${name}`);
    else if (!/^[ -~]{1,1024}$/.test(value))
      refuse(place, 'has characters that a header cannot have', 'up to 1,024 printable ASCII characters');
  }
}

/** With a quote, as a value may have one: a placeholder outside of quotes is no JSON either. */
const example: Message = {
  ...{ key: '"', alertKey: '"', step: 'opened', condition: 'failed', severity: 'critical' },
  ...{ job: '"', subject: '', owner: '"', labels: {}, since: 0, at: 0, title: '"' },
  ...{ facts: [], output: ['"'], link: null },
};

function checkTemplate(at: string, settings: WebhookSettings, refuse: Refuse): void {
  const { template, format, contentType = 'application/json' } = settings;
  if (template !== undefined && format !== undefined)
    refuse(at, 'has format and template', 'at most one of them');
  if (template === undefined) {
    if (!isJson(contentType))
      refuse(
        `${at}.contentType`,
        'is not JSON, and there is no template',
        'a type of JSON, or a template',
        contentType,
      );
    return;
  }
  const unknown = unknownPlaceholder(template);
  if (unknown !== null) {
    const known = `${placeholders.join(', ')}, labels.NAME`;
    refuse(`${at}.template`, `has the placeholder {{${unknown}}}`, known, unknown);
  } else if (isJson(contentType)) {
    try {
      JSON.parse(fill(template, example, contentType));
    } catch {
      refuse(
        `${at}.template`,
        'does not make JSON',
        'JSON with placeholders inside of quotes, or another contentType',
      );
    }
  }
}
