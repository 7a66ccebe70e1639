/** Secrets of jobs, from files only unless a test opens more. */

import { createSecrets, type SecretsParts } from '../../src/executor/secrets/secrets.ts';
import { realClock } from '../../src/node/clock.ts';

export const secretsFrom = (parts: Partial<SecretsParts> = {}) =>
  createSecrets({
    clock: realClock,
    environment: {},
    variables: [],
    programs: [],
    server: null,
    bare: (argv) => argv,
    ...parts,
  });
