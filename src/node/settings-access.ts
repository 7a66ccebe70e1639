/** Settings of who gets in: certificates, the listener for other nodes, the login to ZooKeeper; and what jobs may ask for. */

import { duration, type SettingsTable, setting, text, whole, yesOrNo } from '../setting.ts';

const file = text('file');

/** In the order of the help. */
export const accessSettings = {
  insecureHttp: setting(
    yesOrNo,
    false,
    'Allow a non-loopback --host without TLS, because something in front of this server does it.',
  ),
  tlsCert: setting(
    file,
    null,
    'File with the certificate of this server and its intermediates, as PEM. Read again when it changes. Default: plain HTTP.',
  ),
  tlsKey: setting(file, null, 'File with the key of that certificate, as PEM.'),
  tlsClientCa: setting(
    file,
    null,
    'File with authorities whose certificates clients may show to log in, as PEM. Default: no certificates of clients.',
  ),
  authFile: setting(
    file,
    null,
    'File with the identity provider, and with the roles of people. Read again when it changes.',
  ),
  peerPort: setting(
    whole(0, 65_535),
    0,
    'Port to listen on for the other nodes, with --zk; 0 picks a free port.',
  ),
  peerCert: setting(
    file,
    null,
    'File with the certificate of this node, as PEM, which it shows to other nodes and they to it.',
  ),
  peerKey: setting(file, null, 'File with the key of that certificate, as PEM.'),
  peerCa: setting(file, null, 'File with the authority of the certificates of all nodes, as PEM.'),
  auditLog: setting(
    text('file'),
    null,
    'File to which the leader appends each line of the audit as JSON; - is standard output. Default: none.',
  ),
  auditRetention: setting(
    duration,
    90 * 86_400_000,
    'How long the audit is kept in the store, which has its newest 5,000 lines. Default: P90D.',
  ),
  runPolicyFile: setting(file, null, 'File with rules of what jobs may ask of hosts. Default: everything.'),
  insecureZk: setting(
    yesOrNo,
    false,
    'Allow --zk without a login, so that whoever reaches ZooKeeper can change all jobs.',
  ),
  zkTlsCa: setting(
    file,
    null,
    'File with the authority of the ZooKeeper servers, as PEM: TLS to their secure port. Default: no TLS.',
  ),
  zkTlsCert: setting(
    file,
    null,
    'File with a certificate as the login to ZooKeeper, as PEM. All nodes need the same subject in it.',
  ),
  zkTlsKey: setting(file, null, 'File with the key of that certificate, as PEM.'),
} as const satisfies SettingsTable;
