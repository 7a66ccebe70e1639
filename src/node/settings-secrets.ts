/** The settings of sources that jobs may name for their secrets. */

import { isAbsolute } from 'node:path';
import { listOf, type SettingsTable, setting, text } from '../setting.ts';

const variables = listOf(
  {
    placeholder: 'name,…',
    allowed: 'names of variables, of which a * at the end stands for any text, such as DB_PASSWORD,ETL_*',
  },
  (name) => /^[A-Za-z_][A-Za-z0-9_]*\*?$/.test(name),
);

const programs = listOf(
  { placeholder: 'path,…', allowed: 'absolute paths of programs, such as /usr/local/bin/get-secret' },
  (path) => isAbsolute(path),
);

export const secretSettings = {
  secretEnv: setting(
    variables,
    Object.freeze([]),
    "Variables of this program's environment that jobs may use as secrets; a * at the end stands for any text.",
  ),
  secretExec: setting(programs, Object.freeze([]), 'Programs that jobs may run to get a secret.'),
  vaultFile: setting(
    text('file'),
    null,
    'File of a HashiCorp Vault or OpenBao server, and of the paths there that jobs may use as secrets.',
  ),
} as const satisfies SettingsTable;
