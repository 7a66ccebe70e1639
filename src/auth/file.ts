/** The file of people (`--auth-file`): one mapping with `oidc`, `people` and `certificates`. */

import { type Findings, hasForm } from '../scheduler/job/schema/explain.ts';
import { type Fields, readBounded, readMapping } from '../settings-file/read.ts';
import { People } from './people.ts';
import {
  CertificateSchema,
  FileSchema,
  OidcSchema,
  PersonSchema,
  type WrittenCertificate,
  type WrittenOidc,
  type WrittenPerson,
} from './schema.ts';

export interface AuthFile {
  /** Null: nobody logs in through an identity provider. */
  readonly oidc: WrittenOidc | null;
  readonly people: People;
}

export const emptyFile: AuthFile = { oidc: null, people: new People([], []) };

/** LIMIT_EXCEEDED, an error of the system, or the first problem of the file with its place, carrying the others. */
export async function readAuthFile(path: string): Promise<AuthFile> {
  return parseAuthFile(await readBounded(path), path);
}

/** `source`: the path of the file. */
export const parseAuthFile = (text: string, source: string): AuthFile =>
  readMapping(text, source, { main: 'people', check: checked });

function checked(fields: Fields, findings: Findings): AuthFile {
  const hasWhole = hasForm(FileSchema, fields, '', findings);
  const hasOidc = fields.oidc === undefined || hasForm(OidcSchema, fields.oidc, 'oidc', findings);
  const people = listOf<WrittenPerson>('people', PersonSchema, fields.people, findings);
  const certificates = listOf<WrittenCertificate>(
    'certificates',
    CertificateSchema,
    fields.certificates,
    findings,
  );
  if (!hasWhole || !hasOidc || findings.problems.length > 0) return emptyFile;
  const oidc = (fields.oidc ?? null) as WrittenOidc | null;
  if (oidc !== null) checkIssuer(oidc, findings);
  for (const [i, person] of people.entries()) checkWho(person, `people[${i}]`, findings);
  return { oidc, people: new People(people, certificates) };
}

function listOf<T>(field: string, schema: object, value: unknown, findings: Findings): readonly T[] {
  if (!Array.isArray(value)) return [];
  for (const [i, each] of value.entries()) hasForm(schema, each, `${field}[${i}]`, findings);
  return value as readonly T[];
}

/** Codes and secrets are sent to it. */
function checkIssuer({ issuer }: WrittenOidc, findings: Findings): void {
  const url = URL.canParse(issuer) ? new URL(issuer) : null;
  const isHere = /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/.test(url?.hostname ?? '');
  if (url !== null && (url.protocol === 'https:' || isHere)) return;
  const allowed = 'an https address; http only on this host';
  findings.add('INVALID_FIELD', `oidc.issuer is ${JSON.stringify(issuer)}. Allowed: ${allowed}.`, {
    field: 'oidc.issuer',
    value: issuer,
    allowed,
  });
}

/** A rule for nobody, or by mistake for more than one thing. */
function checkWho({ group, email, everybody }: WrittenPerson, field: string, findings: Findings): void {
  const given = [group, email, everybody === true ? true : undefined].filter((each) => each !== undefined);
  if (given.length === 1) return;
  const allowed = 'one of group, email and everybody: true';
  findings.add('INVALID_FIELD', `${field} says ${given.length} times who is meant. Allowed: ${allowed}.`, {
    field,
    allowed,
  });
}
