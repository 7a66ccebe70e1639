/** Which settings of who gets in go together. What would leave a door open by mistake is refused at the start. */

import { CarillonError, type ErrorDetails } from '../../errors.ts';
import { flagOf, type ValuesOf } from '../../setting.ts';
import type { accessSettings } from '../settings-access.ts';
import { refuseWithoutLogin } from '../zookeeper/login.ts';

const isLoopback = (host: string): boolean => /^(localhost|::1|127(\.\d{1,3}){3})$/.test(host);

/** Each group is given whole or not at all. */
const together = [
  ['tlsCert', 'tlsKey'],
  ['peerCert', 'peerKey', 'peerCa'],
  ['zkTlsCert', 'zkTlsKey'],
] as const;

/** The part of the configuration that this is about. */
interface Doors extends ValuesOf<typeof accessSettings> {
  readonly host: string;
  readonly zk: string | null;
  readonly zkAuthFile: string | null;
}
type Name = Extract<keyof Doors, string>;

/** INVALID_FIELD, MISSING_FIELD. `sourceOf`: where a setting was given. */
export function refuseOpenDoors(config: Doors, sourceOf: (name: Name) => string): void {
  const refuse = (field: Name, message: string, details: ErrorDetails): never => {
    throw new CarillonError('INVALID_FIELD', message, { field, source: sourceOf(field), ...details });
  };
  for (const names of together) {
    const given = names.filter((name) => config[name] !== null);
    const missing = names.filter((name) => config[name] === null);
    if (given[0] === undefined || missing[0] === undefined) continue;
    const lacks = missing.map(flagOf).join(' and ');
    refuse(given[0], `${flagOf(given[0])} also needs ${lacks}.`, { allowed: names.map(flagOf) });
  }
  if (config.tlsClientCa !== null && config.tlsCert === null)
    refuse('tlsClientCa', 'Clients show certificates over TLS only: --tls-client-ca also needs --tls-cert.', {
      allowed: '--tls-client-ca with --tls-cert and --tls-key',
    });
  refuseWithoutLogin(config, sourceOf('zk'));
  if (isLoopback(config.host) || config.insecureHttp) return;
  const open = (what: string, needs: string): never =>
    refuse(
      'host',
      `${what} on ${config.host} would not be encrypted. Set ${needs}, or --insecure-http if something in front of this server does TLS.`,
      { value: config.host, allowed: `a loopback address (127.0.0.1, ::1, localhost), or any with ${needs}` },
    );
  if (config.tlsCert === null) open('Passwords and output', '--tls-cert and --tls-key');
  if (config.zk !== null && config.peerCert === null)
    open('What nodes tell each other', '--peer-cert, --peer-key and --peer-ca');
}
