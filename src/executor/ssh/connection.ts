/**
 * A connection to a host through the system's OpenSSH client, so that its configuration, agents, certificates and jump
 * hosts apply. The supervisor's program is put there first if the host does not have this version, which its hash tells.
 */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, constants } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { CarillonError } from '../../errors.ts';
import type { Clock } from '../../scheduler/ports.ts';
import { supervisorPrograms } from '../supervisor/program.ts';
import { Agent, type Hello } from './agent.ts';
import type { Host } from './hosts-file.ts';

/** From the first packet to the agent's first word, with the program on its way. */
const connectWithinMs = 30_000;
/** A connection without an answer to three of these is cut off. */
const aliveEveryS = 5;
/** A login shell may print something first. */
const maxPreambleBytes = 64 * 1024;
const lastWordsMs = 500;
const maxErrorBytes = 4 * 1024;

export interface ConnectionParts {
  readonly host: Host;
  readonly installation: string;
  readonly clock: Clock;
  /** For the client: HOME, PATH, SSH_AUTH_SOCK. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A command line with only the first descriptors (supervisor/file.ts). */
  readonly bare: (argv: readonly [string, ...string[]]) => readonly [string, ...string[]];
  /** Ends the connection, or the attempt to make it. */
  readonly signal: AbortSignal;
}

export interface Connection {
  readonly agent: Agent;
  readonly hello: Hello;
  close(): void;
}

/** ENGINE_UNAVAILABLE with the reason if the host cannot be reached or used. */
export async function connect({ host, ...parts }: ConnectionParts): Promise<Connection> {
  await refuseUnreadable(host);
  const [program, ...args] = parts.bare([
    'ssh',
    ...clientArguments(host),
    remoteCommand(host, parts.installation),
  ]);
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...parts.environment },
    detached: true,
  });
  let why = '';
  let said = '';
  const cut = (reason: string): void => {
    why ||= reason;
    end(reason);
    // With the programs that it started to reach the host.
    if (child.pid !== undefined) killGroup(child.pid);
  };
  child.stderr.on('data', (bytes: Buffer) => {
    said = `${said}${bytes.toString('utf8')}`.slice(-maxErrorBytes);
  });
  child.stdin.on('error', () => undefined); // It has ended, and `close` follows.
  const agent = new Agent(child.stdin, parts.clock, cut);
  const end = (reason: string): void => agent.end(unreachable(host, why || lastLine(said) || reason));
  child.once('error', (error) => end(error.message));
  // What it started may keep its pipes open.
  child.once('exit', (code) => {
    const ended = `ssh ended with exit code ${code}`;
    const cancel = parts.clock.after(lastWordsMs, () => cut(ended));
    child.once('close', () => {
      cancel();
      end(ended);
    });
  });
  const cancel = parts.clock.after(connectWithinMs, () => cut('it does not answer'));
  const close = (): void => cut('the connection was closed');
  parts.signal.addEventListener('abort', close);
  for (const event of ['close', 'error'])
    child.once(event, () => parts.signal.removeEventListener('abort', close));
  if (parts.signal.aborted) close();
  try {
    prepareHost(child, cut, () => agent.read(child.stdout));
    const hello = await agent.hello;
    return { agent, hello, close };
  } finally {
    cancel();
  }
}

/**
 * Reads what the script on the host says until it becomes the agent, and sends the program once if it has not got it. What a
 * login shell prints before it may end without a line break.
 */
function prepareHost(
  child: ChildProcessByStdio<Writable, Readable, Readable>,
  cut: (why: string) => void,
  begin: () => void,
): void {
  let unread: Buffer = Buffer.alloc(0);
  let read = 0;
  let isSent = false;
  const onData = (bytes: Buffer): void => {
    unread = Buffer.concat([unread, bytes]);
    read += bytes.length;
    for (let end = unread.indexOf(0x0a); end >= 0; end = unread.indexOf(0x0a)) {
      const line = unread.toString('utf8', 0, end);
      unread = unread.subarray(end + 1);
      if (line.endsWith('carillon: start')) {
        child.stdout.off('data', onData);
        begin();
        if (unread.length > 0) child.stdout.emit('data', unread);
        return;
      }
      const [, wanted] = /carillon: send (x64|arm64)$/.exec(line) ?? [];
      const program = wanted === undefined || isSent ? undefined : supervisorPrograms[wanted];
      if (program !== undefined) {
        child.stdin.write(Buffer.from(program, 'base64'));
        isSent = true;
      }
      const [, cannot] = /carillon: (cannot .*)$/.exec(line) ?? [];
      if (cannot !== undefined) cut(printable(cannot));
    }
    if (read > maxPreambleBytes) cut('its login shell prints too much');
  };
  child.stdout.on('data', onData);
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

const always = [
  ...['-T', '-x', '-a'],
  ...['-oBatchMode=yes', '-oStrictHostKeyChecking=yes', '-oConnectTimeout=10', '-oEscapeChar=none'],
  ...['-oClearAllForwardings=yes', '-oControlPath=none', '-oControlMaster=no', '-oPermitLocalCommand=no'],
  ...[`-oServerAliveInterval=${aliveEveryS}`, '-oServerAliveCountMax=3', '-oLogLevel=ERROR'],
] as const;

export function clientArguments({ address, user, port, identityFile, knownHosts, config }: Host): string[] {
  return [
    ...always,
    ...(config === null ? [] : ['-F', config]),
    ...(port === null ? [] : ['-p', String(port)]),
    ...(user === null ? [] : ['-l', user]),
    ...(identityFile === null ? [] : ['-i', identityFile, '-oIdentitiesOnly=yes']),
    ...(knownHosts === null ? [] : [`-oUserKnownHostsFile=${knownHosts}`]),
    '--',
    address,
  ];
}

interface Program {
  readonly hash: string;
  readonly bytes: number;
}

function programFor(machine: string): Program {
  const bytes = Buffer.from(supervisorPrograms[machine] ?? '', 'base64');
  return { hash: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length };
}

/**
 * One line for the user's login shell, whichever it is: a POSIX shell runs the script. It has neither a line break nor a
 * quote, and all that is put into it are hashes, numbers and checked names.
 */
export function remoteCommand({ folder }: Pick<Host, 'folder'>, installation: string): string {
  const x64 = programFor('x64');
  const arm64 = programFor('arm64');
  const script = [
    folder === null ? 'd="$' + '{XDG_STATE_HOME:-$HOME/.local/state}/carillon"' : `d="${folder}"`,
    'm=$(uname -sm)',
    'h=',
    `if [ "$m" = "Linux x86_64" ]; then a=x64 h=${x64.hash} n=${x64.bytes}; fi`,
    `if [ "$m" = "Linux aarch64" ]; then a=arm64 h=${arm64.hash} n=${arm64.bytes}; fi`,
    'if [ -z "$h" ]; then echo "carillon: cannot run on $m, only on Linux with x86_64 or aarch64"; exit 3; fi',
    'p="$d/supervisor-$h"',
    'have() { [ "$(sha256sum <"$1" 2>/dev/null | cut -c1-64)" = "$h" ]; }',
    'if [ ! -x "$p" ] || ! have "$p"; then umask 077; mkdir -p "$d"; echo "carillon: send $a"',
    'head -c "$n" >"$p.$$" && have "$p.$$" && chmod 500 "$p.$$" && mv -f "$p.$$" "$p"' +
      ' || { rm -f "$p.$$"; echo "carillon: cannot write $d"; exit 4; }; fi',
    '"$p" agent 2>/dev/null; [ $? = 64 ] || { echo "carillon: cannot execute $p"; exit 5; }',
    `echo "carillon: start"; exec "$p" agent "$d/${installation}"`,
  ];
  return `exec /bin/sh -c '${script.join('; ')}'`;
}

function unreachable({ name }: Host, why: string): CarillonError {
  return new CarillonError('ENGINE_UNAVAILABLE', `the host ${name} cannot be reached: ${why}`, {
    field: 'host',
    value: name,
  });
}

/** Of a file that is not there, the client only says that the host refuses it. */
async function refuseUnreadable(host: Host): Promise<void> {
  for (const field of ['identityFile', 'knownHosts'] as const) {
    const path = host[field];
    if (path === null) continue;
    await access(path, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
      throw unreachable(host, `its ${field} ${path} cannot be read (${error.code})`);
    });
  }
}

/** The reason comes last. What the host says is not trusted. */
function lastLine(said: string): string {
  const lines = said
    .split(/[\r\n]+/)
    .filter((line) => line.trim() !== '' && !/^(@|It is also|Someone could)/.test(line));
  return printable(lines.at(-1) ?? '');
}

const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 300);
