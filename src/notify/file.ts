/**
 * The file of alerts: YAML or JSON, one mapping with `receivers` and what others add to it. Secrets are not in it, but in
 * files that it names; what is found in their place by mistake is not repeated.
 */

import { readFile, stat } from 'node:fs/promises';
import { CarillonError, firstOf } from '../errors.ts';
import { parseJobFile } from '../job-file/read.ts';
import { shownInMessage } from '../scheduler/job/masked.ts';
import { explain, Findings, type Shape } from '../scheduler/job/schema/explain.ts';
import type { Message } from '../scheduler/model/alert.ts';
import { durationMs } from '../scheduler/schedule/period.ts';
import {
  filePath,
  type MailSettings,
  type ReceiverSettings,
  type Receivers,
  ReceiversSchema,
  receiverKinds,
  receiverName,
  type WebhookSettings,
} from './schema.ts';
import { isUrl } from './secret.ts';
import { fill, isJson, placeholders, unknownPlaceholder } from './template.ts';

const maxFileBytes = 1024 * 1024;
export const maxProblems = 20;

/** The content of the file, unchecked. */
export interface AlertsFile {
  readonly fields: Readonly<Record<string, unknown>>;
  /** Where a field stands, such as `alerts.yaml:14:5`. */
  readonly placeOf: (field: string) => string;
}

/** LIMIT_EXCEEDED, INVALID_BODY, INVALID_FIELD, or an error of the system, if the file cannot be used. */
export async function readAlertsFile(path: string): Promise<AlertsFile> {
  const { size } = await stat(path);
  if (size > maxFileBytes)
    throw new CarillonError('LIMIT_EXCEEDED', `${path} has ${size} bytes. Allowed: at most ${maxFileBytes}.`);
  return parseAlertsFile(await readFile(path, 'utf8'), path);
}

/** `source`: the path of the file. */
export function parseAlertsFile(text: string, source: string): AlertsFile {
  const [first, ...others] = parseJobFile(text, source);
  const { definition, placeOf } = first ?? {};
  if (typeof definition !== 'object' || definition === null || Array.isArray(definition) || others.length > 0)
    throw new CarillonError(
      'INVALID_FIELD',
      `${source}: it has no mapping, or several documents. Allowed: one mapping with receivers.`,
      {
        field: 'receivers',
        source,
        allowed: 'one mapping with receivers',
      },
    );
  return {
    fields: definition as Record<string, unknown>,
    placeOf: (field) => placeOf?.(field) ?? source,
  };
}

/** The receivers, checked. Throws the first problem with its place, carrying the others. */
export function receiversIn(value: unknown, placeOf: (field: string) => string): Receivers {
  const findings = new Findings('', maxProblems);
  if (value === undefined)
    findings.add('MISSING_FIELD', 'receivers is missing.', {
      field: 'receivers',
      allowed: 'receivers by name',
    });
  else explain(ReceiversSchema as object as Shape, value, 'receivers', findings);
  if (findings.problems.length === 0)
    for (const [name, settings] of Object.entries(value as Receivers))
      checkReceiver(name, settings, findings);
  throwFirst(findings, placeOf);
  return value as Receivers;
}

/** Throws the first problem with its place, carrying the others. */
export function throwFirst(findings: Findings, placeOf: (field: string) => string): void {
  const problem = firstOf(findings.problems.map((each) => placed(each, placeOf)));
  if (problem !== null) throw problem;
}

/** With the place in the message, and without the value of an unknown field: it may be a secret. */
function placed(
  { code, message, details }: CarillonError,
  placeOf: (field: string) => string,
): CarillonError {
  const { value, field = 'receivers', ...others } = details;
  const source = placeOf(field);
  const told = code === 'UNKNOWN_FIELD' ? {} : { value };
  return new CarillonError(code, `${source}: ${message}`, { ...others, ...told, field, source });
}

type Refuse = (field: string, problem: string, allowed: string, value?: unknown) => void;

function checkReceiver(name: string, settings: ReceiverSettings, findings: Findings): void {
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
  for (const kind of kinds) checkFiles(`${at}.${kind}`, settings[kind] as object, refuse);
  if (mail) checkLogin(`${at}.mail`, mail, refuse);
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

function checkUrl(at: string, url: string, refuse: Refuse): void {
  const isGood = isUrl(url) && new URL(url).username === '' && new URL(url).password === '';
  if (isGood) return;
  const masked = shownInMessage(url).slice(0, 80);
  refuse(`${at}.url`, `is ${JSON.stringify(masked)}`, 'an http or https URL without a login', masked);
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
  ...{ job: '"', owner: '"', labels: {}, since: 0, at: 0, title: '"' },
  ...{ facts: [], output: ['"'], link: null },
};

function checkTemplate(at: string, settings: WebhookSettings, refuse: Refuse): void {
  const { template, contentType = 'application/json' } = settings;
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
