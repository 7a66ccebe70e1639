/** The receivers in a file of alerts: what is accepted, and what is said about the rest. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CarillonError, problemsIn } from '../../src/errors.ts';
import { parseAlertsFile, readAlertsFile } from '../../src/notify/file.ts';
import { type Receivers, receiverKinds } from '../../src/notify/schema.ts';
import { SecretFiles } from './harness.ts';

const read = (text: string): Receivers => parseAlertsFile(text, 'alerts.yaml').receivers;
function problemIn(text: string): CarillonError {
  try {
    read(text);
  } catch (error) {
    return error as never;
  }
  throw new Error('it is accepted');
}

const everything = `
receivers:
  ops-mail:
    mail:
      to: [ops@example.com, "Night shift <night@example.com>"]
      from: Carillon <carillon@example.com>
      host: smtp.example.com
      user: carillon
      passwordFile: /etc/carillon/smtp-password
  ops-slack:
    slack: { urlFile: /etc/carillon/slack-url }
  ops-teams:
    teams: { urlFile: /etc/carillon/teams-url }
  on-call:
    pagerduty: { routingKeyFile: /etc/carillon/pagerduty-key, url: https://events.eu.pagerduty.com/v2/enqueue }
  hook:
    webhook:
      url: https://hooks.example.com/carillon
      headers: { X-Team: data }
      headerFiles: { Authorization: /etc/carillon/hook-token }
      secretFile: /etc/carillon/hook-key
      template: '{"text": "{{title}}", "team": "{{labels.team}}"}'
  prometheus:
    alertmanager: { url: "http://alertmanager:9093", openFor: P1D }
  pager:
    command: { argv: [/usr/local/bin/page, --job] }
routes: []
`;

describe('the receivers of a file', () => {
  test('have one kind each', () => {
    expect(Object.keys(read(everything))).toEqual([
      ...['ops-mail', 'ops-slack', 'ops-teams', 'on-call', 'hook', 'prometheus', 'pager'],
    ]);
  });

  test('may be JSON', () => {
    expect(parseAlertsFile('{"receivers": {}}', 'alerts.json')).toEqual({
      receivers: {},
      heartbeats: {},
      routes: [],
      maintenance: [],
    });
  });

  const receiver = (settings: string): string => `receivers:\n  ops:\n    ${settings}\n`;
  const webhook = (more: string): string => receiver(`webhook: { url: "https://example.com", ${more} }`);
  test.each([
    [
      'receivers: {"a b": {slack: {urlFile: /u}}}',
      '1:13: receivers.a b is not a name. Allowed: up to 63 letters',
    ],
    [receiver('{}'), '2:3: receivers.ops has no kind. Allowed: exactly one of mail, slack, teams'],
    [
      receiver('{ slack: { urlFile: /u }, teams: { urlFile: /u } }'),
      'receivers.ops has slack and teams. Allowed: exactly one of',
    ],
    [receiver('slak: {}'), '3:5: Unknown field receivers.ops.slak. Did you mean receivers.ops.slack?'],
    [receiver('emial: {}'), 'Unknown field receivers.ops.emial. Did you mean receivers.ops.mail?'],
    [receiver('http: {}'), 'Unknown field receivers.ops.http. Did you mean receivers.ops.webhook?'],
    [receiver('slack: {}'), 'receivers.ops.slack.urlFile is missing.'],
    [receiver('slack:'), 'receivers.ops.slack is empty, but must be a mapping of fields.'],
    [
      receiver('mail: { to: [nobody], from: a@b, host: h }'),
      'receivers.ops.mail.to[0] is "nobody". Allowed: An address',
    ],
    [
      receiver('mail: { to: [], from: a@b, host: h }'),
      'receivers.ops.mail.to is a list of 0. Allowed: at least 1 entry.',
    ],
    [
      receiver('mail: { to: [a@b], from: "x\\r\\nBcc: c@d", host: h }'),
      'receivers.ops.mail.from is "x\\r\\nBcc: c@d". Allowed:',
    ],
    [
      receiver('mail: { to: [a@b], from: a@b, host: h, port: 70000 }'),
      'port is 70000. Allowed: a whole number from 1 up to 65535.',
    ],
    [
      receiver('mail: { to: [a@b], from: a@b, host: h, tls: ssl }'),
      'tls is "ssl". Allowed: one of starttls, implicit, none.',
    ],
    [
      receiver('mail: { to: [a@b], from: a@b, host: h, user: u }'),
      'user and passwordFile belong together. Allowed: both or none.',
    ],
    [
      receiver('mail: { to: [a@b], from: a@b, host: h, tls: none, user: u, passwordFile: /p }'),
      'tls is "none", which would send the password unencrypted. Allowed: starttls or implicit.',
    ],
    [
      receiver('mail: { from: a@b, host: h }'),
      'receivers.ops.mail has neither to nor toOwner. Allowed: exactly one of them.',
    ],
    [
      receiver('mail: { to: [a@b], toOwner: true, from: a@b, host: h }'),
      'receivers.ops.mail has to and toOwner. Allowed: exactly one of them.',
    ],
    [
      receiver('mail: { to: [a@b], from: a@b, host: h, ownerDomains: [example.com] }'),
      'mail.ownerDomains has no effect without toOwner.',
    ],
    [
      receiver('mail: { toOwner: true, from: a@b, host: h, ownerDomains: ["@example.com"] }'),
      'mail.ownerDomains[0] is "@example.com". Allowed: a domain such as example.com.',
    ],
    [
      webhook('format: chronos, template: "{}"'),
      'webhook has format and template. Allowed: at most one of them.',
    ],
    [receiver('webhook: {}'), 'webhook has neither url nor urlFile. Allowed: exactly one of them.'],
    [webhook('urlFile: /u'), 'webhook has url and urlFile. Allowed: exactly one of them.'],
    [
      receiver('alertmanager: { url: "ftp://x" }'),
      'alertmanager.url is "ftp://x". Allowed: an http or https URL without a login.',
    ],
    [receiver('alertmanager: { url: "http://x", openFor: soon }'), 'openFor'],
    [webhook('template: "{{titel}}"'), 'template has the placeholder {{titel}}. Allowed: key, alertKey'],
    [
      webhook('template: "{{title}}"'),
      'template does not make JSON. Allowed: JSON with placeholders inside of quotes',
    ],
    [webhook('contentType: text/plain'), 'contentType is not JSON, and there is no template.'],
    [
      webhook('contentType: "a\\r\\nb"'),
      'contentType is "a\\r\\nb". Allowed: a media type such as application/json.',
    ],
    [webhook('headers: { "X A": b }'), 'headers.X A is no name of a header.'],
    [webhook('headers: { X-A: "b\\r\\nc" }'), 'headers.X-A has characters that a header cannot have.'],
    [webhook('headers: { Host: b }'), 'headers.Host is set by Carillon.'],
    [webhook('headerFiles: { Idempotency-Key: /k }'), 'headerFiles.Idempotency-Key is set by Carillon.'],
    [receiver('command: { argv: [] }'), 'argv is a list of 0. Allowed: at least 1 entry.'],
    [receiver('command: { argv: ["a\\0b"] }'), 'argv[0] is'],
    ['[]', 'alerts.yaml: it has no mapping'],
    ['', 'alerts.yaml: it has no mapping'],
    ['receivers: 7', 'receivers is 7, but must be a mapping of fields.'],
    ['routes: []', 'receivers is missing.'],
    ['receivers: {}\nroute: []', '2:1: Unknown field route. Did you mean routes?'],
    ['receivers: {}\nroutes: {}', 'routes is a mapping of fields, but must be a list.'],
  ])('%j is refused', (text, words) => {
    const { code, message } = problemIn(text);
    expect(code).toMatch(/_FIELD$/);
    expect(message).toContain(words);
    expect(message).toMatch(/^alerts\.yaml(:\d+:\d+)?: .*[.?]$/);
  });

  test('are told all at once, also those that only a closer look finds', () => {
    const text = `
receivers:
  ops: { emial: { to: [a@b] } }
  hook: { webhook: {} }
  team: { slack: { urlFile: /u } }
route: []
routes:
  - { to: [taem] }
  - { to: [team], match: { hours: { days: mon-fry, timezone: Europe/Berlim } } }
  - { match: { severities: [critcal] } }
`;
    expect(problemsIn(problemIn(text)).map(({ message }) => message)).toEqual([
      'alerts.yaml:6:1: Unknown field route. Did you mean routes?',
      'alerts.yaml:3:10: Unknown field receivers.ops.emial. Did you mean receivers.ops.mail?',
      'alerts.yaml:4:11: receivers.hook.webhook has neither url nor urlFile. Allowed: exactly one of them.',
      "alerts.yaml:8:7: routes[0].to names 'taem', which is no receiver of the file. Did you mean team?",
      'alerts.yaml:9:52: routes[1].match.hours.timezone: unknown time zone "Europe/Berlim". Allowed: an IANA name such as Europe/Berlin, UTC, or an offset such as +05:30.',
      'alerts.yaml:9:37: routes[1].match.hours.days is "mon-fry". Allowed: days of the week, such as mon-fri, or sat,sun.',
      'alerts.yaml:10:5: routes[2].to is missing.',
      'alerts.yaml:10:29: routes[2].match.severities[0] is "critcal". Allowed: one of info, warning, critical. Did you mean critical?',
    ]);
  });

  test.each([
    receiver('mail: { to: [a@b], from: a@b, host: h, user: u, password: hunter2 }'),
    receiver('mail: { to: [a@b], from: a@b, host: h, user: u, passwordFile: hunter2 }'),
    receiver('slack: { url: https://hooks.slack.com/services/hunter2 }'),
    receiver('slack: { urlFile: https://hooks.slack.com/services/hunter2 }'),
    receiver('pagerduty: { routingKeyFile: hunter2 }'),
    receiver('pagerduty: { routingKeyFile: /k, url: "https://u:hunter2@example.com" }'),
    receiver('webhook: { url: "https://u:hunter2@example.com" }'),
    webhook('headers: { Authorization: Bearer hunter2 }'),
    webhook('headers: { X-Api-Key: hunter2 }'),
    webhook('headerFiles: { Authorization: Bearer hunter2 }'),
    webhook('secretFile: [hunter2]'),
    webhook('secret: hunter2'),
  ])('a secret in a wrong place is refused and not repeated: %j', (text) => {
    const problem = problemIn(text);
    expect(problem.message).toMatch(/^alerts\.yaml:\d+:\d+: receivers\.ops|Unknown field receivers\.ops/);
    expect(JSON.stringify([problem.message, problem.details])).not.toContain('hunter2');
  });
});

describe('docs/alerts.md', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../docs/alerts.md'), 'utf8');

  test('has an example that is accepted', () => {
    const [, example = ''] = /```yaml\n(# .*?)```/s.exec(page) ?? [];
    expect(Object.keys(read(example))).toEqual(['ops-mail', 'ops-slack', 'on-call', 'tickets']);
  });

  test('has routes to these receivers that are accepted', () => {
    const [, receivers = ''] = /```yaml\n(# .*?)```/s.exec(page) ?? [];
    const [, routes = ''] = /```yaml\n(routes:.*?)```/s.exec(page) ?? [];
    expect(parseAlertsFile(`${receivers}${routes}`, 'alerts.yaml').routes).toHaveLength(4);
  });

  test.each(Object.entries(receiverKinds))('has every field of %s', (kind, { properties }) => {
    const [, table = ''] = new RegExp(`^\\| ${kind} \\| \\|\n(.*?)\n\n`, 'ms').exec(page) ?? [];
    const fields = [...table.matchAll(/^\| (.*?) \|/gm)].flatMap(([, names = '']) =>
      [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    );
    expect(fields.sort()).toEqual(Object.keys(properties).sort());
  });
});

describe('the file', () => {
  let files: SecretFiles;
  beforeEach(() => {
    files = new SecretFiles();
  });
  afterEach(() => files.remove());

  test('is read', async () => {
    const { receivers } = await readAlertsFile(files.write('alerts.yaml', everything));
    expect(Object.keys(receivers)).toContain('on-call');
  });

  test('that is too large, missing or not YAML is refused', async () => {
    const large = files.write('large.yaml', `receivers: {} #${'x'.repeat(1024 * 1024)}`);
    await expect(readAlertsFile(large)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await expect(readAlertsFile('/nothing/alerts.yaml')).rejects.toThrow('ENOENT');
    expect(() => parseAlertsFile('receivers: {', 'alerts.yaml')).toThrow(/^alerts\.yaml:1:\d+: /);
    expect(() => parseAlertsFile('a: 1\n---\nb: 2\n', 'alerts.yaml')).toThrow('it has no mapping');
  });
});
