/** The file of a Vault or OpenBao server: how to reach it, how to log in, and what jobs may read. It has no secret itself. */

import { readFile, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { type Static, Type } from 'typebox';
import { CarillonError, firstOf } from '../../errors.ts';
import { parseJobFile } from '../../job-file/read.ts';
import { explain, Findings, type Shape } from '../../scheduler/job/schema/explain.ts';
import { closed, text } from '../../scheduler/job/schema/parts.ts';

const maxFileBytes = 64 * 1024;
const maxProblems = 20;
const maxPaths = 1_000;

const Mount = Type.Optional(text('Where the method of the log-in is mounted.'));
const FileSchema = Type.Object(
  {
    address: text('Address of the server, such as https://vault.example.org:8200.'),
    namespace: Type.Optional(text('Namespace.')),
    caFile: Type.Optional(text('File with the certificates of the authority that the server’s is from.')),
    auth: Type.Object(
      {
        tokenFile: Type.Optional(text('File with a token. It is read again when it changes.')),
        appRole: Type.Optional(
          Type.Object(
            { roleId: text('Role ID.'), secretIdFile: text('File with the secret ID.'), mount: Mount },
            closed,
          ),
        ),
        kubernetes: Type.Optional(
          Type.Object(
            {
              role: text('Role.'),
              tokenFile: Type.Optional(text('File with the token of the service account.')),
              mount: Mount,
            },
            closed,
          ),
        ),
      },
      closed,
    ),
    paths: Type.Array(text('Path that jobs may name; a * at the end stands for any text.'), {
      minItems: 1,
      maxItems: maxPaths,
    }),
  },
  closed,
);

export type VaultFile = Static<typeof FileSchema>;

/** LIMIT_EXCEEDED, an error of the system, or the first problem of the file with its place, carrying the others. */
export async function readVaultFile(path: string): Promise<VaultFile> {
  const { size } = await stat(path);
  if (size > maxFileBytes)
    throw new CarillonError('LIMIT_EXCEEDED', `${path} has ${size} bytes. Allowed: at most ${maxFileBytes}.`);
  return parseVaultFile(await readFile(path, 'utf8'), path);
}

/** `source`: the path of the file. */
export function parseVaultFile(written: string, source: string): VaultFile {
  const [first, ...others] = parseJobFile(written, source);
  const { definition, placeOf } = first ?? {};
  const findings = new Findings('', maxProblems);
  if (others.length > 0) refuse(findings, 'address', 'is in one of several documents', 'one document');
  explain(FileSchema as object as Shape, definition, '', findings);
  if (findings.problems.length === 0) check(definition as VaultFile, findings);
  const problem = firstOf(
    findings.problems.map(({ code, message, details }) => {
      // An unknown field may have a secret by mistake.
      const { value: _, field = 'address', ...rest } = details;
      const place = placeOf?.(String(field)) ?? source;
      return new CarillonError(code, `${place}: ${message}`, { ...rest, field, source: place });
    }),
  );
  if (problem !== null) throw problem;
  return definition as VaultFile;
}

function check({ address, caFile, auth, paths }: VaultFile, findings: Findings): void {
  const url = URL.canParse(address) ? new URL(address) : null;
  const isServer =
    url !== null && ['http:', 'https:'].includes(url.protocol) && url.username === '' && url.search === '';
  if (!isServer) refuse(findings, 'address', 'is not an address', 'https://host:port');
  const ways = (['tokenFile', 'appRole', 'kubernetes'] as const).filter((way) => auth[way] !== undefined);
  if (ways.length !== 1)
    refuse(
      findings,
      'auth',
      `has ${ways.length === 0 ? 'no way' : ways.join(' and ')}`,
      'one of tokenFile, appRole, kubernetes',
    );
  for (const [field, file] of Object.entries({
    caFile,
    'auth.tokenFile': auth.tokenFile,
    'auth.appRole.secretIdFile': auth.appRole?.secretIdFile,
    'auth.kubernetes.tokenFile': auth.kubernetes?.tokenFile,
  }))
    if (file !== undefined && !isAbsolute(file))
      refuse(findings, field, 'is not an absolute path', 'an absolute path');
  paths.forEach((path, index) => {
    if (!/^[A-Za-z0-9_][A-Za-z0-9_./-]*\*?$/.test(path) || !path.includes('/data/'))
      refuse(findings, `paths[${index}]`, 'is not a path', 'a path such as kv/data/etl/*');
  });
}

const refuse = (findings: Findings, field: string, problem: string, allowed: string): void =>
  findings.add('INVALID_FIELD', `${field} ${problem}. Allowed: ${allowed}.`, { field, allowed });
