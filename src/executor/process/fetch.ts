/**
 * Downloads before the command of a process, into its working folder. They are part of the attempt: a small
 * program downloads with the job's user, timeout and kill, and then becomes the command. It prints what it
 * downloads on standard error; if a download fails, the attempt ends with 125.
 *
 * Anyone who may submit jobs may run any program here, so any address is allowed. Redirects are followed to
 * http and https only, and never from another host to an address of this host. The connection is made to the
 * addresses that were checked, because a name may resolve differently a moment later.
 */

import { networkInterfaces } from 'node:os';
import { shownText } from '../../scheduler/job/masked.ts';
import type { FetchItem } from '../../scheduler/job/spec.ts';

const bounds = {
  /** Limit of one download; mount larger data instead. */
  bytes: 4 * 1024 ** 3,
  /** Limit of one download, from connecting to its last byte. */
  withinMs: 600_000,
  redirects: 5,
  /** Limit of one unpacked archive: the next job needs the disk too. */
  unpackedBytes: 32 * 1024 ** 3,
  members: 1_000_000,
} as const;

/**
 * Downloads what its input lists, then becomes the command, without input. $1 node, $2 the program below,
 * then the command.
 */
const gate = '"$1" -e "$2" || exit 125; shift 2; exec "$@" </dev/null';

export interface FetchingCommand {
  readonly argv: readonly string[];
  /**
   * Passed on standard input: addresses may contain passwords, and everyone on the host can see argument
   * lists.
   */
  readonly input: string;
}

/** The command, preceded by its downloads. */
export function fetchFirst(items: readonly FetchItem[], argv: readonly string[]): FetchingCommand {
  return {
    argv: ['/bin/sh', '-c', gate, 'carillon', process.execPath, program, ...argv],
    input: JSON.stringify({ items: items.map(withShown), bounds, own: ownAddresses() }),
  };
}

/**
 * The addresses of this host's interfaces, without zones; loopback and link-local addresses are known in
 * addition.
 */
const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap(
    (each) => each?.map(({ address }) => address.split('%', 1)[0] ?? '') ?? [],
  );

/** The printed form of an address: without login and query. */
const withShown = (item: FetchItem) => ({ ...item, shown: shownText(item.uri).split(/[?#]/, 1)[0] });

/** Runs separately, so it contains everything that it needs; the job's own variables may have any value. */
const program = String.raw`
const { execFileSync, spawn } = require('node:child_process');
const { lookup } = require('node:dns/promises');
const { constants, createReadStream, readFileSync } = require('node:fs');
const { chmod, mkdir, open: openFile, rm } = require('node:fs/promises');
const { dirname } = require('node:path');
const { createInterface } = require('node:readline');
const http = require('node:http');
const https = require('node:https');
const { BlockList, isIP } = require('node:net');
const { Transform } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { fileURLToPath } = require('node:url');
const { createGunzip } = require('node:zlib');
const { items, bounds, own } = JSON.parse(readFileSync(0, 'utf8'));
const say = (text) => process.stderr.write('carillon: ' + text + '\n');

// The block list knows IPv4 addresses in their IPv6 form too.
const ours = new BlockList();
for (const [address, prefix] of [['127.0.0.0', 8], ['0.0.0.0', 8], ['169.254.0.0', 16]]) ours.addSubnet(address, prefix, 'ipv4');
for (const [address, prefix] of [['::1', 128], ['::', 128], ['fe80::', 10]]) ours.addSubnet(address, prefix, 'ipv6');
for (const address of own) ours.addAddress(address, kindOf(address));
function kindOf(address) { return isIP(address) === 6 ? 'ipv6' : 'ipv4'; }
const isOurs = (address) => ours.check(address.split('%', 1)[0], kindOf(address));

// Without its login, which no other address inherits.
function bare(url) {
  const copy = new URL(url);
  copy.username = copy.password = '';
  return copy;
}

// One request, to these addresses of its host and to no other.
function ask(url, addresses, signal) {
  const { username, password } = url;
  const headers = { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'carillon' };
  if (username !== '') headers.authorization =
    'Basic ' + Buffer.from(decodeURIComponent(username) + ':' + decodeURIComponent(password)).toString('base64');
  const lookup = (name, options, done) =>
    options.all ? done(null, addresses) : done(null, addresses[0].address, addresses[0].family);
  return new Promise((resolve, reject) => {
    (url.protocol === 'https:' ? https : http).get(bare(url), { headers, lookup, signal, agent: false }, resolve).once('error', (error) =>
      reject(new Error(error.cause?.message ?? error.code ?? error.message)));
  });
}

async function open(first, signal) {
  let url = new URL(first);
  let fromHere = true;
  for (let left = bounds.redirects; ; left--) {
    const addresses = await resolveName(url.hostname.replace(/^\[|\]$/g, ''));
    // Of the first address the job's author decides.
    if (!fromHere && addresses.some(({ address }) => isOurs(address))) throw new Error('leads on to an address of this host');
    const response = await ask(url, addresses, signal);
    fromHere = isOurs(response.socket.remoteAddress ?? '');
    const { statusCode, headers } = response;
    if (statusCode < 300 || statusCode > 399) {
      if (statusCode < 200 || statusCode > 299) throw new Error('answered ' + statusCode);
      return response;
    }
    response.resume();
    if (left === 0) throw new Error('leads on more than ' + bounds.redirects + ' times');
    const next = new URL(headers.location ?? '', bare(url));
    if (!/^https?:$/.test(next.protocol)) throw new Error('leads on to ' + next.protocol);
    url = next;
  }
}

async function resolveName(name) {
  return await lookup(name, { all: true }).catch((error) => { throw new Error(error.code ?? error.message); });
}

// Never waits for the other end of a pipe.
async function regularFile(path, flags) {
  const file = await openFile(path, flags | constants.O_NONBLOCK, 0o666);
  if (!(await file.stat()).isFile()) throw new Error(path + ' is not a file');
  return file;
}

// The number of its bytes.
async function download({ uri, output }, signal) {
  const url = new URL(uri.startsWith('/') ? 'file://' + uri : uri);
  const source = url.protocol === 'file:'
    ? (await regularFile(fileURLToPath(url), constants.O_RDONLY)).createReadStream()
    : await open(url.href, signal);
  let bytes = 0;
  const bounded = new Transform({ transform(chunk, _encoding, done) {
    bytes += chunk.length;
    done(bytes > bounds.bytes ? new Error('is larger than ' + bounds.bytes + ' bytes') : null, chunk);
  } });
  await mkdir(dirname(output), { recursive: true });
  const target = await regularFile(output, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC);
  await pipeline(source, bounded, target.createWriteStream(), { signal });
  return bytes;
}

async function take(item) {
  const { shown, output, executable, extract } = item;
  const signal = AbortSignal.timeout(bounds.withinMs);
  const bytes = await new Promise((resolve, reject) => {
    const late = new Late('takes longer than ' + bounds.withinMs / 1000 + ' s');
    signal.addEventListener('abort', () => reject(late));
    download(item, signal).then(resolve, reject);
  });
  if (executable) await chmod(output, 0o755);
  if (extract) await unpack(output);
  say('fetched ' + shown + ' as ' + output + ', ' + bytes + ' bytes');
}

class Late extends Error {}

async function fail({ shown, output }, error) {
  say('cannot fetch ' + shown + ': ' + (error.cause?.message ?? error.message));
  // A thread that hangs in a file system would keep an orderly end waiting.
  const end = () => error instanceof Late ? process.kill(process.pid, 'SIGKILL') : process.exit(1);
  AbortSignal.timeout(1_000).addEventListener('abort', end);
  await rm(output, { force: true }).catch(() => {});
  end();
}

// Neither owners nor modes beyond the umask, as tar gives them to root: a setuid program is nothing that a download makes.
// Tar and unzip write nothing to names that lead out of the folder, or through links of the archive itself, nor more of a file
// than the archive says.
async function unpack(file) {
  if (/\.(tgz|tbz2|txz|tar|tar\.(gz|bz2|xz))$/i.test(file)) {
    await checkTar(file);
    run('tar', '-xf', file, '--no-same-owner', '--no-same-permissions');
  } else if (/\.zip$/i.test(file)) {
    await checkZip(file);
    run('unzip', '-oq', file);
  } else if (/\.gz$/i.test(file)) {
    let bytes = 0;
    for await (const chunk of createReadStream(file).pipe(createGunzip())) checkSize(bytes += chunk.length, 0);
    run('gzip', '-dkf', file);
  }
}

const run = (name, ...args) => execFileSync(name, args, { stdio: ['ignore', 'ignore', 'inherit'] });

async function* linesOf(name, ...args) {
  const child = spawn('env', ['LC_ALL=C', name, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  ended.catch(() => {});
  try {
    yield* createInterface({ input: child.stdout });
    if (await ended !== 0) throw new Error('cannot be unpacked: ' + name + ' does not read it');
  } finally {
    child.kill('SIGKILL');
  }
}

function checkSize(bytes, members) {
  if (bytes > bounds.unpackedBytes) throw new Error('unpacks to more than ' + bounds.unpackedBytes + ' bytes');
  if (members > bounds.members) throw new Error('unpacks to more than ' + bounds.members + ' files');
}

async function checkTar(file) {
  let bytes = 0, members = 0;
  for await (const line of linesOf('tar', '-tvf', file, '--numeric-owner')) {
    if (/^[bcp]/.test(line)) throw new Error('has a device or a pipe in it');
    // GNU and busybox: rights, owner/group, size. BSD: rights, links, owner, group, size.
    const size = /^\S+ +(?:\d+\/\d+|\d+ +\d+ +\d+) +(\d+) /.exec(line)?.[1];
    if (size === undefined) throw new Error('has a member that is not understood: ' + line.slice(0, 200));
    checkSize(bytes += Number(size), ++members);
  }
}

async function checkZip(file) {
  let last = '';
  for await (const line of linesOf('unzip', '-l', file)) last = line;
  const [, bytes, members] = /^ *(\d+) .*?(\d+) files?$/.exec(last) ?? [];
  if (members === undefined) throw new Error('cannot be unpacked: unzip does not tell what is in it');
  checkSize(Number(bytes), Number(members));
}

(async () => {
  let current;
  // A stream can still fail after its download has been given up.
  process.on('uncaughtException', (error) => fail(current, error));
  for (current of items) await take(current).catch((error) => fail(current, error));
  // Idle connections would keep it.
  process.exit(0);
})();
`;
