/** The file of people (`--auth-file`): one mapping with `oidc`, `people` and `certificates`. */

import { X509Certificate } from 'node:crypto';
import { CarillonError } from '../errors.ts';
import { type Findings, hasForm } from '../scheduler/job/schema/explain.ts';
import { type Fields, readBounded, readMapping } from '../settings-file/read.ts';
import { isLoopbackHost } from '../who-asks/loopback.ts';
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

interface WrittenFile {
  readonly oidc: WrittenOidc | null;
  readonly people: People;
}

/** The identity provider, with what is in the files that it names. */
export interface Oidc extends WrittenOidc {
  readonly secret: string | null;
  readonly ca: string | null;
}

export interface AuthFile extends WrittenFile {
  /** Null: nobody logs in through an identity provider. */
  readonly oidc: Oidc | null;
}

export const emptyFile: WrittenFile & { readonly oidc: null } = { oidc: null, people: new People([], []) };

/** LIMIT_EXCEEDED, an error of the system, or the first problem of the file with its place, carrying the others. */
export async function readAuthFile(path: string): Promise<AuthFile> {
  const { oidc, people } = parseAuthFile(await readBounded(path), path);
  if (oidc === null) return { oidc, people };
  const { clientSecretFile, caFile } = oidc;
  const secret = await named(path, 'oidc.clientSecretFile', clientSecretFile);
  const ca = await named(path, 'oidc.caFile', caFile);
  if (ca !== null && !hasCertificates(ca))
    throw unusable(
      path,
      'oidc.caFile',
      String(caFile),
      'has no certificates, or broken ones',
      'a file with certificates of authorities, as PEM',
    );
  return { oidc: { ...oidc, secret: secret?.split('\n', 1)[0]?.trim() ?? null, ca }, people };
}

/** What is in a file that the file of people names. INVALID_FIELD if it is empty or cannot be read. */
async function named(path: string, field: string, value: string | undefined): Promise<string | null> {
  if (value === undefined) return null;
  const text = await readBounded(value).catch(({ code, message }: NodeJS.ErrnoException) => {
    throw unusable(path, field, value, `cannot be read (${code ?? message})`);
  });
  if (text.trim() === '') throw unusable(path, field, value, 'is empty');
  return text;
}

/** Otherwise the system ignores what is not one, and later trusts nobody. */
function hasCertificates(pem: string): boolean {
  const parts = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    for (const part of parts) new X509Certificate(part);
    return parts.length > 0;
  } catch {
    return false;
  }
}

function unusable(
  path: string,
  field: string,
  value: string,
  why: string,
  allowed = 'a file with text that the scheduler may read',
): CarillonError {
  const message = `${path}: ${field} is ${value}, which ${why}. Allowed: ${allowed}.`;
  return new CarillonError('INVALID_FIELD', message, { field, value, allowed, source: path });
}

/** `source`: the path of the file. */
export const parseAuthFile = (text: string, source: string): WrittenFile =>
  readMapping(text, source, { main: 'people', check: checked });

function checked(fields: Fields, findings: Findings): WrittenFile {
  const hasWhole = hasForm(FileSchema, fields, '', findings);
  const hasOidc = fields.oidc === undefined || hasForm(OidcSchema, fields.oidc, 'oidc', findings);
  const people = listOf<WrittenPerson>('people', PersonSchema, fields.people, findings, checkWho);
  const certificates = listOf<WrittenCertificate>(
    'certificates',
    CertificateSchema,
    fields.certificates,
    findings,
  );
  const oidc = (fields.oidc ?? null) as WrittenOidc | null;
  if (hasOidc && oidc !== null) checkIssuer(oidc, findings);
  if (!hasWhole || findings.problems.length > 0) return emptyFile;
  return { oidc, people: new People(people, certificates) };
}

/** `check`: what is looked at beside the form of each one. */
function listOf<T>(
  field: string,
  schema: object,
  value: unknown,
  findings: Findings,
  check: (each: T, field: string, findings: Findings) => void = () => undefined,
): readonly T[] {
  if (!Array.isArray(value)) return [];
  for (const [i, each] of value.entries()) {
    const at = `${field}[${i}]`;
    if (hasForm(schema, each, at, findings)) check(each as T, at, findings);
  }
  return value as readonly T[];
}

/** Codes and secrets are sent to it. */
function checkIssuer({ issuer }: WrittenOidc, findings: Findings): void {
  const url = URL.canParse(issuer) ? new URL(issuer) : null;
  if (url !== null && (url.protocol === 'https:' || isLoopbackHost(url.hostname))) return;
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
