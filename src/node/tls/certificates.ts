/** The certificates of this node: that which clients see, and that among nodes. */

import type { ListenerTls } from '../../api/listener.ts';
import { expiriesIn } from '../../executor/expiries.ts';
import type { Expiries } from '../../scheduler/expiry.ts';
import type { Config } from '../config.ts';
import { TlsFiles, type TlsFilesParts } from './files.ts';

export interface Certificates {
  /** Null: plain HTTP. */
  readonly server: ListenerTls | null;
  /** Among nodes. Null: plain HTTP. */
  readonly peer: ListenerTls | null;
  readonly expiries: Expiries;
  /** Reads files again when they change, until it is stopped. */
  start(): void;
  stop(): Promise<void>;
}

/** INVALID_FIELD if a file cannot be used. */
export async function openCertificates(config: Config, parts: TlsFilesParts): Promise<Certificates> {
  const { tlsCert, tlsKey, tlsClientCa, peerCert, peerKey, peerCa, zk } = config;
  const server =
    tlsCert === null || tlsKey === null
      ? null
      : new TlsFiles(
          {
            cert: { setting: 'tlsCert', path: tlsCert },
            key: { setting: 'tlsKey', path: tlsKey },
            ca: tlsClientCa === null ? null : { setting: 'tlsClientCa', path: tlsClientCa },
          },
          parts,
        );
  const peer =
    zk === null || peerCert === null || peerKey === null || peerCa === null
      ? null
      : new TlsFiles(
          {
            cert: { setting: 'peerCert', path: peerCert },
            key: { setting: 'peerKey', path: peerKey },
            ca: { setting: 'peerCa', path: peerCa },
          },
          parts,
        );
  const all = [server, peer].filter((each) => each !== null);
  for (const files of all) await files.open();
  return {
    server: server && listenerTls(server, tlsClientCa === null ? 'ignored' : 'asked'),
    peer: peer && listenerTls(peer, 'required'),
    expiries: expiriesIn(all.flatMap(({ paths }) => paths)),
    start() {
      for (const files of all) files.start();
    },
    async stop() {
      for (const files of all) await files.stop();
    },
  };
}

const listenerTls = (files: TlsFiles, clients: ListenerTls['clients']): ListenerTls => ({
  get context() {
    return files.context;
  },
  clients,
  onChange: (listener) => files.onChange(listener),
});
