/** Parses the address of an engine into the form that the client needs. */

import { CarillonError } from '../../errors.ts';

export interface TlsFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export type EngineAddress =
  | { readonly socketPath: string }
  | { readonly protocol: 'http' | 'https'; readonly host: string; readonly port: number };

const defaultPorts = { http: 2375, https: 2376 } as const;
const allowed = [
  'unix:///var/run/docker.sock',
  '/var/run/docker.sock',
  'tcp://host:2375',
  'https://host:2376',
];

/** INVALID_FIELD for an address that no client can reach. With `tls`, tcp means https. */
export function engineAddress(
  host: string,
  tls: TlsFiles | null,
  { what, setting }: { readonly what: string; readonly setting: string },
): EngineAddress {
  const socketPath = /^(?:unix:\/\/)?(\/.+)$/.exec(host)?.[1];
  if (socketPath !== undefined) return { socketPath };
  const [, scheme, name, port] =
    /^(tcp|http|https):\/\/(\[[0-9a-fA-F:]+\]|[^:/[\]]+)(?::(\d{1,5}))?\/?$/.exec(host) ?? [];
  if (scheme === undefined || name === undefined || Number(port ?? 1) > 65_535) {
    throw new CarillonError('INVALID_FIELD', `${host} is not a valid address of a ${what}.`, {
      field: setting,
      value: host,
      allowed,
    });
  }
  const protocol = scheme === 'https' || (scheme === 'tcp' && tls !== null) ? 'https' : 'http';
  return {
    protocol,
    host: name.replace(/^\[|\]$/g, ''),
    port: port === undefined ? defaultPorts[protocol] : Number(port),
  };
}
