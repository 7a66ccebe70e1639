/** Tokens, who asks, log-ins and the audit. */

import { type Static, Type } from 'typebox';
import { grants, permissions, principalKinds, roles } from '../../scheduler/access/principal.ts';
import { oneOf } from '../../scheduler/job/definition.ts';
import type { AuditLine, Token } from '../../scheduler/model/token.ts';
import { iso, isoOrNull } from './instants.ts';
import { instant, list, orNull, ref } from './shape.ts';

export const WireBinding = Type.Object(
  {
    role: oneOf(roles),
    grants: Type.Optional(Type.Array(oneOf(grants), { description: 'Rights beside those of the role.' })),
    jobs: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        description: 'Only for jobs with such names: `*` stands for any text, `?` for one character.',
      }),
    ),
    labels: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'Only for jobs with these labels.' }),
    ),
  },
  { $id: 'Binding', additionalProperties: false },
);
export type WireBinding = Static<typeof WireBinding>;

const token = {
  id: Type.String(),
  name: Type.String(),
  bindings: Type.Array(ref(WireBinding)),
  createdAt: instant(),
  createdBy: Type.String(),
  expiresAt: orNull(instant(), { description: 'Null: never.' }),
  usedAt: orNull(instant('Its last use, up to ten minutes old. Null: it was never used.')),
  usedFrom: orNull(Type.String(), { description: 'Address of the last use.' }),
};
export const WireToken = Type.Object(token, { $id: 'Token' });
export type WireToken = Static<typeof WireToken>;
export const WireTokenList = list(ref(WireToken), 'TokenList');
export const WireNewToken = Type.Object(
  { ...token, token: Type.String({ description: 'The text to send. It is shown this once.' }) },
  { $id: 'NewToken' },
);
export type WireNewToken = Static<typeof WireNewToken>;

export const WireMe = Type.Object(
  {
    kind: oneOf(principalKinds),
    name: Type.String(),
    id: Type.String(),
    bindings: Type.Array(ref(WireBinding)),
    everywhere: Type.Array(oneOf(permissions), { description: 'Permissions for everything.' }),
    somewhere: Type.Array(oneOf(permissions), { description: 'Permissions for at least some jobs.' }),
    session: Type.Boolean({ description: 'Whether there is a session, which a log-out ends.' }),
    problem: Type.Optional(
      Type.String({
        description:
          'Why the file of people could not be read again. Only for administrators, while it is so.',
      }),
    ),
  },
  { $id: 'Me' },
);
export type WireMe = Static<typeof WireMe>;

export const WireLogInOptions = Type.Object(
  {
    provider: orNull(Type.String(), { description: 'Host of the identity provider. Null: there is none.' }),
  },
  { $id: 'LogInOptions' },
);
export type WireLogInOptions = Static<typeof WireLogInOptions>;

export const WireDeviceLogIn = Type.Object(
  {
    device: Type.String({ description: 'For the next question.' }),
    userCode: Type.String({ description: 'What the person enters at the address.' }),
    url: Type.String(),
    wholeUrl: orNull(Type.String(), { description: 'With the code in it.' }),
    expiresInS: Type.Number(),
    everyS: Type.Number({ description: 'How often to ask whether the person has finished.' }),
  },
  { $id: 'DeviceLogIn' },
);
export type WireDeviceLogIn = Static<typeof WireDeviceLogIn>;

export const WireDeviceSession = Type.Object(
  { session: orNull(Type.String(), { description: 'To send as a bearer. Null: not finished yet.' }) },
  { $id: 'DeviceSession' },
);
export type WireDeviceSession = Static<typeof WireDeviceSession>;

const values = orNull(Type.Record(Type.String(), Type.Unknown()));
export const WireAuditLine = Type.Object(
  {
    id: Type.String(),
    at: instant(),
    term: Type.Integer(),
    by: Type.Object({ kind: oneOf(principalKinds), name: Type.String() }),
    from: orNull(Type.String(), { description: 'Address of the client.' }),
    via: orNull(Type.String(), { description: 'The node that passed the request on.' }),
    action: Type.String(),
    on: orNull(Type.String()),
    outcome: oneOf(['done', 'refused']),
    code: orNull(Type.String()),
    reason: orNull(Type.String()),
    before: values,
    after: values,
  },
  { $id: 'AuditLine' },
);
export type WireAuditLine = Static<typeof WireAuditLine>;
export const WireAuditList = list(ref(WireAuditLine), 'AuditList');

export const tokenToWire = ({ id, name, bindings, createdBy, usedFrom, ...at }: Token): WireToken => ({
  ...{ id, name, bindings: bindings.map(bindingToWire), createdBy, usedFrom },
  createdAt: iso(at.createdAt),
  expiresAt: isoOrNull(at.expiresAt),
  usedAt: isoOrNull(at.usedAt),
});

export const bindingToWire = ({
  role,
  grants: more,
  jobs,
  labels,
}: Token['bindings'][number]): WireBinding => ({
  role,
  ...(more !== undefined && { grants: [...more] }),
  ...(jobs !== undefined && { jobs }),
  ...(labels !== undefined && { labels: { ...labels } }),
});

export const auditToWire = ({ at, ...line }: AuditLine): WireAuditLine => ({ ...line, at: iso(at) });
