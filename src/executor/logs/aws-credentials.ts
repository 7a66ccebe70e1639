/** Credentials for S3, from a file or the variables that AWS defines. Read for each request, so that new ones count at once. */

import { readFile } from 'node:fs/promises';
import { CarillonError } from '../../errors.ts';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** `file` null: the variables, or else the file that they name. INVALID_FIELD with nothing of the content. */
export async function awsCredentials(file: string | null, environment: Environment): Promise<AwsCredentials> {
  const { AWS_SHARED_CREDENTIALS_FILE: shared, AWS_PROFILE: profile = 'default', HOME: home } = environment;
  if (file !== null) return inFile(file, profile);
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = environment;
  if (id && secret) return of(id, secret, token);
  return inFile(shared || `${home ?? ''}/.aws/credentials`, profile);
}

async function inFile(file: string, profile: string): Promise<AwsCredentials> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw unusable(file, `it cannot be read (${error.code ?? error.message})`);
  });
  const values = section(text, profile);
  const id = values.get('aws_access_key_id');
  const secret = values.get('aws_secret_access_key');
  if (id === undefined || secret === undefined) throw unusable(file, `it has no keys in [${profile}]`);
  return of(id, secret, values.get('aws_session_token'));
}

function section(text: string, name: string): Map<string, string> {
  const values = new Map<string, string>();
  let current = '';
  for (const line of text.split('\n').map((each) => each.trim())) {
    const [, heading] = /^\[\s*(.+?)\s*\]$/.exec(line) ?? [];
    const [, key, value] = /^(\w+)\s*=\s*(\S+)$/.exec(line) ?? [];
    if (heading !== undefined) current = heading;
    else if (current === name && key !== undefined && value !== undefined) values.set(key, value);
  }
  return values;
}

const of = (accessKeyId: string, secretAccessKey: string, sessionToken?: string): AwsCredentials => ({
  accessKeyId,
  secretAccessKey,
  ...(sessionToken && { sessionToken }),
});

const unusable = (file: string, why: string): CarillonError =>
  new CarillonError(
    'INVALID_FIELD',
    `The credentials for the archive of logs: ${file} is unusable: ${why}.`,
    {
      field: 'logArchiveCredentials',
      value: file,
      allowed:
        'a file with [default], aws_access_key_id and aws_secret_access_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    },
  );
