/**
 * Downloads before the command of a process, into the folder in which it runs. They are part of the attempt: a
 * small program fetches, as the job's user and with the attempt's timeout and kill, then gives way to the
 * command. It prints what it fetches on standard error; when something can't be had the attempt ends with 125.
 *
 * Whoever may submit jobs may run any program here, so any address may be named. Where one leads on by itself
 * it is followed to http and https only, and never from elsewhere to an address of this host.
 */

import { shownText } from '../../scheduler/job/masked.ts';
import type { FetchItem } from '../../scheduler/job/spec.ts';

const bounds = {
  /** One download; what is larger is better mounted. */
  bytes: 4 * 1024 ** 3,
  /** One download, from connecting to its last byte. */
  withinMs: 600_000,
  redirects: 5,
  /** What one archive may become: the next job needs the disk too. */
  unpackedBytes: 32 * 1024 ** 3,
  members: 1_000_000,
} as const;

/** Fetches what its input says, then becomes the command, with no input. $1 node, $2 the program below, then the command. */
const gate = '"$1" -e "$2" || exit 125; shift 2; exec "$@" </dev/null';

export interface FetchingCommand {
  readonly argv: readonly string[];
  /** For its standard input. Addresses may hold passwords, and an argument list is shown to everyone on the host. */
  readonly input: string;
}

/** The command with its downloads before it. */
export function fetchFirst(items: readonly FetchItem[], argv: readonly string[]): FetchingCommand {
  return {
    argv: ['/bin/sh', '-c', gate, 'carillon', process.execPath, program, ...argv],
    input: JSON.stringify({ items: items.map(withShown), bounds }),
  };
}

/** What is printed of an address: nothing of its login and its query. */
const withShown = (item: FetchItem) => ({ ...item, shown: shownText(item.uri).split(/[?#]/, 1)[0] });

/** Runs apart, so it brings all it needs; the job's own variables may hold anything. */
const program = String.raw`
const { execFileSync, spawn } = require('node:child_process');
const { lookup } = require('node:dns/promises');
const { createReadStream, createWriteStream, chmodSync, mkdirSync, readFileSync, rmSync } = require('node:fs');
const { dirname } = require('node:path');
const { createInterface } = require('node:readline');
const { Readable, Transform } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { fileURLToPath } = require('node:url');
const { createGunzip } = require('node:zlib');
const { items, bounds } = JSON.parse(readFileSync(0, 'utf8'));
const say = (text) => process.stderr.write('carillon: ' + text + '\n');

async function ownAddress(url) {
  const { address } = await lookup(new URL(url).hostname.replace(/^\[|\]$/g, ''));
  return /^(127\.|0\.|169\.254\.|::1$|::$|fe80:|::ffff:(127|0|169\.254)\.)/i.test(address);
}

async function open(url, signal) {
  const began = await ownAddress(url);
  for (let left = bounds.redirects; ; left--) {
    const { username, password } = new URL(url);
    const bare = new URL(url); bare.username = bare.password = '';
    const headers = username === '' ? {} :
      { authorization: 'Basic ' + Buffer.from(decodeURIComponent(username) + ':' + decodeURIComponent(password)).toString('base64') };
    const response = await fetch(bare, { headers, redirect: 'manual', signal });
    if (response.status < 300 || response.status > 399) {
      if (!response.ok) throw new Error('answered ' + response.status);
      return Readable.fromWeb(response.body);
    }
    const next = new URL(response.headers.get('location') ?? '', bare);
    if (left === 0) throw new Error('leads on more than ' + bounds.redirects + ' times');
    if (!/^https?:$/.test(next.protocol)) throw new Error('leads on to ' + next.protocol);
    if (!began && await ownAddress(next.href)) throw new Error('leads on to an address of this host');
    url = next.href;
  }
}

async function take({ uri, shown, output, executable, extract }) {
  const url = new URL(uri.startsWith('/') ? 'file://' + uri : uri);
  const signal = AbortSignal.timeout(bounds.withinMs);
  const source = url.protocol === 'file:' ? createReadStream(fileURLToPath(url)) : await open(url.href, signal);
  let bytes = 0;
  const bounded = new Transform({ transform(chunk, _encoding, done) {
    bytes += chunk.length;
    done(bytes > bounds.bytes ? new Error('is larger than ' + bounds.bytes + ' bytes') : null, chunk);
  } });
  mkdirSync(dirname(output), { recursive: true });
  await pipeline(source, bounded, createWriteStream(output), { signal });
  if (executable) chmodSync(output, 0o755);
  if (extract) await unpack(output);
  say('fetched ' + shown + ' as ' + output + ', ' + bytes + ' bytes');
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
    if (await ended !== 0) throw new Error('can not be unpacked: ' + name + ' does not read it');
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
  if (members === undefined) throw new Error('can not be unpacked: unzip does not tell what is in it');
  checkSize(Number(bytes), Number(members));
}

(async () => {
  for (const item of items) {
    try {
      await take(item);
    } catch (error) {
      rmSync(item.output, { force: true });
      const cause = error.cause?.code ?? error.cause?.message ?? error.message;
      say('could not fetch ' + item.shown + ': ' + cause);
      process.exit(1);
    }
  }
  // Idle connections would keep it.
  process.exit(0);
})();
`;
