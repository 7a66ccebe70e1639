/** The schema of a secret: where its value is. */

import { type Static, Type } from 'typebox';
import { filePathForm, mountedFileForm, variableForm, vaultPathForm } from './forms.ts';
import { closed, text, word } from './parts.ts';
import { published } from './published.ts';

/** A secret has exactly one of them. */
export const secretSources = ['file', 'env', 'exec', 'vault'] as const;

const sources = {
  file: Type.Optional(text('Absolute path of the file. It is read when the job is launched.', filePathForm)),
  env: Type.Optional(
    text("Name of a variable of the scheduler's environment, which --secret-env allows.", variableForm),
  ),
  exec: Type.Optional(
    Type.Array(word, {
      minItems: 1,
      maxItems: 64,
      description:
        'Program, which --secret-exec allows, and arguments. It prints the value when the job is launched.',
    }),
  ),
  vault: Type.Optional(
    Type.Object(
      {
        path: text('Path in the API of Vault or OpenBao: the mount, data, and the secret.', vaultPathForm),
        key: text('Key within the secret.'),
        version: Type.Optional(
          Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1, description: 'Default: the newest.' }),
        ),
      },
      { ...closed, description: 'A key of a secret in HashiCorp Vault or OpenBao (KV version 2).' },
    ),
  ),
};
const exactlyOne = published({ oneOf: secretSources.map((source) => ({ required: [source] })) });

export const Secret = Type.Object(sources, { ...closed, ...exactlyOne });
export type SecretDefinition = Static<typeof Secret>;

/** How a job gets a secret. */
export const JobSecret = Type.Object(
  {
    ...sources,
    mount: Type.Optional(
      text(
        'Absolute path in the container at which the secret is mounted as a file. It is then not an ' +
          'environment variable.',
        mountedFileForm,
      ),
    ),
  },
  { ...closed, ...exactlyOne },
);
