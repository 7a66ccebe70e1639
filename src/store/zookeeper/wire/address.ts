/** Parses the address of an ensemble: `host:port,host:port/chroot`, with `[::1]:2181` for an IPv6 address. */

import { CarillonError } from '../../../errors.ts';

export interface Server {
  readonly host: string;
  readonly port: number;
}

export interface Ensemble {
  readonly servers: readonly Server[];
  /** The parent of all our nodes, `/carillon`; empty for the root. */
  readonly chroot: string;
}

const defaultPort = 2181;
/** An ensemble has three to nine voters; a longer list is a mistake. */
const maxServers = 64;

/** INVALID_FIELD names the invalid part. */
export function parseHosts(text: string): Ensemble {
  const slash = text.indexOf('/');
  const hosts = slash === -1 ? text : text.slice(0, slash);
  const path = slash === -1 ? '' : text.slice(slash);
  const servers = hosts.split(',').map((part) => parseServer(part.trim()));
  if (servers.length > maxServers) throw invalid(`${servers.length} servers`);
  const chroot = path === '/' ? '' : path;
  if (chroot !== '' && !/^(\/[^/\s]+)+$/.test(chroot)) throw invalid(chroot);
  if (chroot.split('/').some((name) => name === '.' || name === '..')) throw invalid(chroot);
  return { servers, chroot };
}

function parseServer(text: string): Server {
  const match = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<name>[^\s:[\]]+))(?::(?<port>\d{1,5}))?$/.exec(text);
  const host = match?.groups?.v6 ?? match?.groups?.name;
  const port = match?.groups?.port === undefined ? defaultPort : Number(match.groups.port);
  if (host === undefined || port < 1 || port > 65_535) throw invalid(text);
  return { host, port };
}

function invalid(value: string): CarillonError {
  return new CarillonError('INVALID_FIELD', `'${value}' is not a list of ZooKeeper servers.`, {
    field: 'zk',
    value,
    allowed: 'host:port,host:port/path',
  });
}
