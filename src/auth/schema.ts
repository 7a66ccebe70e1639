/** The form of the file of people (`--auth-file`). Its secrets are in files that it names. */

import { type Static, Type } from 'typebox';
import { grants, roles } from '../scheduler/access/principal.ts';
import { closed, oneOf, text } from '../scheduler/job/schema/parts.ts';

export const peopleLimits = { rules: 1_000, certificates: 1_000, scopes: 32 } as const;

const binding = {
  role: oneOf(roles),
  grants: Type.Optional(Type.Array(oneOf(grants), { maxItems: grants.length })),
  jobs: Type.Optional(
    Type.String({
      description: 'a pattern of job names, such as sales-*',
      pattern: '^[A-Za-z0-9_.*?-]{1,128}$',
    }),
  ),
  labels: Type.Optional(Type.Record(Type.String(), Type.String(), { maxProperties: 16 })),
};

export const OidcSchema = Type.Object(
  {
    issuer: text('Address of the identity provider, as its tokens name it.', '^https?://[!-~]+$'),
    clientId: text('Id of this installation at the provider.'),
    clientSecretFile: Type.Optional(text('File with the secret of the client.')),
    redirectUrl: Type.Optional(
      text(
        'an address that ends with /api/v1/login/callback, as registered at the provider',
        '^https?://[^?#]+/api/v1/login/callback$',
      ),
    ),
    scopes: Type.Optional(Type.Array(text('A scope.'), { maxItems: peopleLimits.scopes })),
    name: Type.Optional(text('The claim with the name of a person. Default: email.')),
    groups: Type.Optional(text('The claim with the groups of a person. Default: groups.')),
    caFile: Type.Optional(text('File with the certificate authority of the provider, as PEM.')),
  },
  closed,
);
export type WrittenOidc = Static<typeof OidcSchema>;

export const PersonSchema = Type.Object(
  {
    group: Type.Optional(text('A group, as the claim has it.')),
    email: Type.Optional(text('The name of one person, as the claim has it.')),
    everybody: Type.Optional(Type.Boolean()),
    ...binding,
  },
  closed,
);
export type WrittenPerson = Static<typeof PersonSchema>;

export const CertificateSchema = Type.Object(
  { subject: text('Subject of a client certificate, such as CN=ops.'), ...binding },
  closed,
);
export type WrittenCertificate = Static<typeof CertificateSchema>;

/** What is in it has schemas of its own. */
export const FileSchema = Type.Object(
  {
    oidc: Type.Optional(Type.Unknown()),
    people: Type.Optional(Type.Array(Type.Unknown(), { maxItems: peopleLimits.rules })),
    certificates: Type.Optional(Type.Array(Type.Unknown(), { maxItems: peopleLimits.certificates })),
  },
  closed,
);
