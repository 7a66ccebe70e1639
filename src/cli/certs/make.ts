/** Makes certificates: an authority of one installation, and those of its nodes. Keys are ECDSA with P-256. */

// First: @peculiar/x509 needs it.
import 'reflect-metadata';
import { createPrivateKey, X509Certificate as Parsed, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** As PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface NodeNames {
  /** The common name. */
  readonly name: string;
  /** Names and addresses by which it is reached. */
  readonly hosts: readonly string[];
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 86_400_000;
/** Clocks of nodes differ. */
const beforeMs = 3_600_000;
export const authorityMs = 3_650 * dayMs;
export const nodeMs = 365 * dayMs;

cryptoProvider.set(webcrypto as never);

export async function makeAuthority(name: string, now: number, forMs = authorityMs): Promise<Pair> {
  const keys = await makeKeys();
  const cert = await X509CertificateGenerator.createSelfSigned({
    name: named(name),
    keys,
    ...lasting(now, forMs),
    signingAlgorithm: algorithm,
    extensions: [
      // It signs nodes, and no other authorities.
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: pemOf(cert), key: await keyPem(keys) };
}

/** A certificate of a node, which is both a server and a client of the others. */
export async function makeNode(
  authority: Pair,
  { name, hosts }: NodeNames,
  now: number,
  forMs = nodeMs,
): Promise<Pair> {
  const issuer = new X509Certificate(authority.cert);
  const keys = await makeKeys();
  const cert = await X509CertificateGenerator.create({
    subject: named(name),
    issuer: issuer.subjectName,
    ...lasting(now, forMs),
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension(
        hosts.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
      ),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return { cert: pemOf(cert), key: await keyPem(keys) };
}

/** True if the key belongs to the certificate. */
export const isPair = ({ cert, key }: Pair): boolean =>
  new Parsed(cert).checkPrivateKey(createPrivateKey(key));

const named = (name: string): Name => new Name([{ CN: [{ utf8String: name }] }]);

/** No certificate outlives what its issuer is trusted for; whoever checks it looks at both. */
const lasting = (now: number, forMs: number) => ({
  notBefore: new Date(now - beforeMs),
  notAfter: new Date(now + forMs),
});

const makeKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

async function keyPem({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return key.export({ format: 'pem', type: 'pkcs8' }).toString();
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  return webcrypto.subtle.importKey('pkcs8', new Uint8Array(der), algorithm, false, ['sign']);
}

const pemOf = (cert: X509Certificate): string => `${cert.toString('pem')}\n`;
