/** How this node reaches ZooKeeper, and as whom. */

import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { CarillonError } from '../../errors.ts';
import { flagOf } from '../../setting.ts';
import { readZooKeeperAuth } from '../../store/zookeeper/wire/auth.ts';
import type { SessionParts } from '../../store/zookeeper/wire/session.ts';

/** Paths of files, by their settings. */
export interface ZooKeeperFiles {
  readonly zkAuthFile: string | null;
  readonly zkTlsCa?: string | null;
  readonly zkTlsCert?: string | null;
  readonly zkTlsKey?: string | null;
}

interface ZooKeeperDoor {
  readonly zk: string | null;
  /** A login is not needed. */
  readonly insecureZk?: boolean;
}

/** MISSING_FIELD if everybody could change the state, and nobody said that they may. */
export function refuseWithoutLogin(
  { zkAuthFile, zkTlsCert, zk, insecureZk }: ZooKeeperFiles & ZooKeeperDoor,
  source = flagOf('zk'),
): void {
  if (zk === null || insecureZk === true || zkAuthFile !== null || zkTlsCert) return;
  throw new CarillonError(
    'MISSING_FIELD',
    'Whoever reaches ZooKeeper could change all jobs, and so run commands on every node. Give all nodes the same ' +
      'file with a login, --zk-auth-file zk-login, made with: (umask 077; echo "carillon:$(openssl rand -hex 16)" ' +
      '> zk-login). Or set --insecure-zk if you trust everybody in that network.',
    {
      field: 'zkAuthFile',
      allowed: '--zk-auth-file, --zk-tls-cert with --zk-tls-key, or --insecure-zk',
      source,
    },
  );
}

/** INVALID_FIELD if a file cannot be used. Certificates are read again for each connection. */
export function zooKeeperLogin(files: ZooKeeperFiles): Pick<SessionParts, 'auth' | 'tls'> {
  const auth = files.zkAuthFile === null ? null : readZooKeeperAuth(files.zkAuthFile);
  if (!files.zkTlsCa && !files.zkTlsCert) return { auth, tls: null };
  let last = contextOf(files);
  const context = (): SecureContextOptions => {
    try {
      last = contextOf(files);
    } catch {
      // They are being replaced, or broken: what was read before may still do.
    }
    return last;
  };
  return { auth, tls: { context, isLogin: Boolean(files.zkTlsCert) } };
}

function contextOf({ zkTlsCa, zkTlsCert, zkTlsKey }: ZooKeeperFiles): SecureContextOptions {
  try {
    const context: SecureContextOptions = {
      ...(zkTlsCa && { ca: readFileSync(zkTlsCa, 'utf8') }),
      ...(zkTlsCert && { cert: readFileSync(zkTlsCert, 'utf8') }),
      ...(zkTlsKey && { key: readFileSync(zkTlsKey, 'utf8') }),
      minVersion: 'TLSv1.2',
    };
    createSecureContext(context);
    return context;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CarillonError(
      'INVALID_FIELD',
      `The certificates for ZooKeeper cannot be used: ${code ?? message}.`,
      {
        field: zkTlsCert ? 'zkTlsCert' : 'zkTlsCa',
        value: zkTlsCert ?? zkTlsCa,
        allowed: 'files with PEM that belong together',
      },
    );
  }
}
