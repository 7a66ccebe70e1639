/** Settings shared by container engines: the keys and logins of Docker's own client. */

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setting, text, type ValuesOf } from '../../setting.ts';
import type { EngineParts } from '../engine.ts';
import { onlyDescriptors } from '../supervisor/file.ts';
import type { TlsFiles } from './address.ts';
import { createCredentials, type FindCredentials } from './credentials.ts';

export const clientSettings = {
  dockerTlsDir: setting(
    text('folder'),
    null,
    'Folder with ca.pem, cert.pem and key.pem to reach Docker with.',
  ),
  dockerConfig: setting(
    text('file'),
    null,
    'Registry logins, as docker login stores them. Default: ~/.docker/config.json, if it exists.',
    () => {
      const login = join(homedir(), '.docker', 'config.json');
      return existsSync(login) ? login : null;
    },
  ),
};

export interface ClientParts {
  readonly tls: TlsFiles | null;
  readonly credentials: FindCredentials;
}

export function clientParts(
  { environment, clock, supervisor }: EngineParts,
  { dockerTlsDir, dockerConfig }: ValuesOf<typeof clientSettings>,
): ClientParts {
  return {
    tls: dockerTlsDir === null ? null : tlsFiles(dockerTlsDir),
    credentials: createCredentials({
      configFile: dockerConfig,
      environment,
      clock,
      bare: (argv) => onlyDescriptors(supervisor, 3, argv),
    }),
  };
}

const tlsFiles = (dir: string): TlsFiles => ({
  caFile: join(dir, 'ca.pem'),
  certFile: join(dir, 'cert.pem'),
  keyFile: join(dir, 'key.pem'),
});
