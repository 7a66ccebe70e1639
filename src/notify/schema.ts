/** The receivers in a file of alerts. `file.ts` checks what the schema cannot say. */

import { type Static, Type } from 'typebox';
import { textForm } from '../scheduler/job/schema/forms.ts';
import { closed, definitionLimits, duration, oneOf, text } from '../scheduler/job/schema/parts.ts';
import { published } from '../scheduler/job/schema/published.ts';

export const receiverLimits = { receivers: 100, addresses: 50, headers: 32, template: 16_384 } as const;

export const receiverName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
export const filePath = /^\/[^\0\r\n]{1,1023}$/;

const mailbox = '[^\\s<>@",;:\\u0000-\\u001f]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,253}';
const address = Type.String({
  description: 'An address, such as ops@example.com or Operations <ops@example.com>.',
  pattern: `^(?:${mailbox}|[^<>"\\u0000-\\u001f\\u007f]{1,100} <${mailbox}>)$`,
});
/** Checked in `file.ts`, whose message does not repeat it: a secret may be there by mistake. */
const file = (description: string) =>
  Type.Unsafe<string>({
    description,
    ...published({ type: 'string', pattern: filePath.source, maxLength: 1_024 }),
  });
const url = (description: string) =>
  Type.String({
    description,
    ...published({ pattern: '^https?://', maxLength: definitionLimits.textLength }),
  });
const headerName = '^[A-Za-z0-9!#$%&*+.^_|~-]{1,100}$';
const headers = (description: string) =>
  Type.Record(Type.String(), Type.String(), {
    description,
    maxProperties: receiverLimits.headers,
    ...published({ propertyNames: { pattern: headerName } }),
  });

const Mail = Type.Object(
  {
    to: Type.Optional(
      Type.Array(address, {
        description: 'Addresses of the recipients.',
        minItems: 1,
        maxItems: receiverLimits.addresses,
        uniqueItems: true,
      }),
    ),
    toOwner: Type.Optional(
      Type.Boolean({ description: 'Whether the owner of the job gets it, in place of to.' }),
    ),
    ownerDomains: Type.Optional(
      Type.Array(
        Type.String({
          description: 'a domain such as example.com',
          pattern: '^[A-Za-z0-9][A-Za-z0-9.-]{0,253}$',
        }),
        {
          description: 'Domains to which owners get mail. Default: all.',
          minItems: 1,
          maxItems: receiverLimits.addresses,
        },
      ),
    ),
    from: address,
    host: Type.String({
      description: 'A host name or an IP address of the mail server.',
      pattern: '^[A-Za-z0-9:][A-Za-z0-9.:_-]{0,252}$',
    }),
    port: Type.Optional(
      Type.Integer({
        description: 'Default: 587 with starttls, 465 with implicit, 25 with none.',
        minimum: 1,
        maximum: 65_535,
      }),
    ),
    tls: Type.Optional(
      oneOf(['starttls', 'implicit', 'none'], {
        description: 'How the connection is encrypted. Default: starttls, which the server must offer.',
      }),
    ),
    user: Type.Optional(text('Name for the login.')),
    passwordFile: Type.Optional(file('File with the password.')),
    caFile: Type.Optional(
      file('File with the certificates of the authority, as PEM. Default: those of Node.js.'),
    ),
  },
  { ...closed, description: 'Mail through an SMTP server.' },
);

const proxy = {
  proxy: Type.Optional(url('Address of a proxy, without a login. Default: those in the environment.')),
  proxyFile: Type.Optional(file('File with the address of a proxy.')),
};

export const addressFields = {
  url: Type.Optional(url('Address, if it is not a secret.')),
  urlFile: Type.Optional(file('File with the address.')),
  ...proxy,
};

const Slack = Type.Object(
  { urlFile: file('File with the URL of an incoming webhook.'), ...proxy },
  { ...closed, description: 'A channel in Slack.' },
);

const Teams = Type.Object(
  {
    urlFile: file('File with the URL of a workflow that posts to a channel when it gets a webhook request.'),
    ...proxy,
  },
  { ...closed, description: 'A channel in Microsoft Teams.' },
);

const PagerDuty = Type.Object(
  {
    routingKeyFile: file('File with the integration key (Events API 2).'),
    url: Type.Optional(url('Default: https://events.pagerduty.com/v2/enqueue.')),
    ...proxy,
  },
  { ...closed, description: 'A service in PagerDuty, or one that has its Events API 2.' },
);

const Webhook = Type.Object(
  {
    url: Type.Optional(url('Address that gets a POST request, if it is not a secret.')),
    urlFile: Type.Optional(file('File with the address.')),
    headers: Type.Optional(headers('Headers that are not secret.')),
    headerFiles: Type.Optional(headers('Headers, each with a file that has its value.')),
    secretFile: Type.Optional(file('File with the key of the signature, X-Carillon-Signature.')),
    format: Type.Optional(
      oneOf(['carillon', 'chronos'], {
        description:
          'The body without a template: carillon, or chronos as Chronos sent it. Default: carillon.',
      }),
    ),
    contentType: Type.Optional(
      Type.String({
        description: 'a media type such as application/json. Default: application/json',
        pattern: '^[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+(?:; ?[A-Za-z0-9-]+=[A-Za-z0-9._-]+)*$',
        maxLength: 200,
      }),
    ),
    template: Type.Optional(
      Type.String({
        description: 'The body, with placeholders such as {{title}}. Default: the whole message as JSON.',
        maxLength: receiverLimits.template,
      }),
    ),
    ...proxy,
  },
  { ...closed, description: 'Any HTTP server.' },
);

const Alertmanager = Type.Object(
  {
    url: Type.Optional(url('Address of Alertmanager, without /api/v2, if it is not a secret.')),
    urlFile: Type.Optional(file('File with the address.')),
    openFor: Type.Optional(
      duration('How long an alert stays open there if no message says that it ended. Default: P7D.'),
    ),
    ...proxy,
  },
  { ...closed, description: 'Alertmanager of Prometheus.' },
);

const Command = Type.Object(
  {
    argv: Type.Array(Type.String({ maxLength: definitionLimits.textLength, pattern: textForm }), {
      description: 'Program and arguments, without a shell.',
      minItems: 1,
      maxItems: definitionLimits.listLength,
    }),
  },
  { ...closed, description: 'A program on the host of the leader.' },
);

export const receiverKinds = {
  mail: Mail,
  slack: Slack,
  teams: Teams,
  pagerduty: PagerDuty,
  webhook: Webhook,
  alertmanager: Alertmanager,
  command: Command,
} as const;

export const ReceiverSchema = Type.Object(
  {
    mail: Type.Optional(Mail),
    slack: Type.Optional(Slack),
    teams: Type.Optional(Teams),
    pagerduty: Type.Optional(PagerDuty),
    webhook: Type.Optional(Webhook),
    alertmanager: Type.Optional(Alertmanager),
    command: Type.Optional(Command),
  },
  { ...closed, description: 'Exactly one of these.' },
);

export type ReceiverSettings = Static<typeof ReceiverSchema>;
/** By name. */
export type Receivers = Readonly<Record<string, ReceiverSettings>>;
export type MailSettings = Static<typeof Mail>;
export interface ProxySettings {
  readonly proxy?: string;
  readonly proxyFile?: string;
}
export type SlackSettings = Static<typeof Slack>;
export type TeamsSettings = Static<typeof Teams>;
export type PagerDutySettings = Static<typeof PagerDuty>;
export type WebhookSettings = Static<typeof Webhook>;
export type AlertmanagerSettings = Static<typeof Alertmanager>;
export type CommandSettings = Static<typeof Command>;
