/** Launches as files that a server creates (supervisor/serve.h), on this host or on another one. */

import { randomUUID } from 'node:crypto';
import { CarillonError } from '../../errors.ts';
import type { Clock } from '../../scheduler/ports.ts';
import { sleep } from '../../scheduler/waiting.ts';
import { partBounds, statusLine } from '../logs/frames.ts';
import type { LaunchServer } from '../supervisor/server.ts';
import { type ServedLaunch, systemError, type Waiting } from '../supervisor/starts.ts';
import { area, type FileRecord } from './journal.ts';
import type { Beginning, Begun, HeldLaunch, Launch, Launches, Limits } from './launch.ts';

/** All areas: names and paths have a few hundred bytes each. */
export const firstRead = 16 * 1024;

/** For a lock that another has: a supervisor until it is gone, or whoever revokes or removes the launch too. */
const lockPatienceMs = 2_000;
const lockPollMs = 10;
/** EAGAIN: another has the lock, or the launch has started. */
const again = 11;

export interface ServedLaunchesParts {
  readonly server: Pick<LaunchServer, 'prepare'>;
  /** Bound of a launch's output, both streams together. */
  readonly logBytes: number;
  readonly limitGroups: {
    create(id: string, limits: Limits): Promise<readonly string[]>;
    remove(folders: readonly string[]): Promise<void>;
  };
  readonly launchOf: (name: string, record: FileRecord) => Launch;
  /** The folder of a job that names none. */
  readonly workOf: (id: string) => string;
  /** The folder of its cgroup. Null: it has none. */
  readonly cgroupOf: (id: string) => string | null;
}

export function createServedLaunches(parts: ServedLaunchesParts): Required<Pick<Launches, 'hold' | 'begin'>> {
  const { server, limitGroups, launchOf, workOf, cgroupOf } = parts;
  const bounds = partBounds(parts.logBytes);
  const hold = async ({ name, record, limits, start }: Beginning): Promise<HeldLaunch | null> => {
    const id = randomUUID();
    const cgroup = cgroupOf(id);
    const cwd = start.cwd ?? workOf(id);
    const groups = await limitGroups.create(id, limits);
    const fileRecord: FileRecord = {
      ...record,
      id,
      cgroup,
      ...(groups.length > 0 && { limitGroups: groups }),
    };
    const served: ServedLaunch = {
      ...start,
      name,
      id,
      cwd,
      ownFolder: start.cwd === null,
      cgroup,
      limitGroups: groups,
      file: beginningOf(fileRecord),
      firstBytes: bounds.first,
      partBytes: bounds.further,
    };
    const launch = launchOf(name, fileRecord);
    const waiting = await server.prepare(served).catch(async (error) => {
      // It never starts, and may have no file.
      await launch.discard().catch(() => undefined);
      await limitGroups.remove(groups);
      throw error;
    });
    if (waiting !== null) return heldLaunch(launch, waiting, cwd);
    await limitGroups.remove(groups);
    return null;
  };
  return {
    hold,
    async begin(beginning, mayStart, at): Promise<Begun> {
      const held = await hold(beginning);
      return held === null ? { kind: 'taken' } : held.begin(mayStart, at);
    },
  };
}

function heldLaunch(launch: Launch, waiting: Waiting, cwd: string): HeldLaunch {
  return {
    launch,
    ended: waiting.exited,
    async begin(mayStart, at) {
      if (!mayStart()) {
        waiting.drop();
        return { kind: 'withdrawn', launch };
      }
      const { started, exited } = waiting.open(at);
      if (await started) return { kind: 'started', launch, exited };
      return { kind: 'ended', launch, code: await exited, cwd };
    },
    async drop() {
      waiting.drop();
      await launch.discard();
    },
  };
}

/** As `Launch.takeBack`. */
export async function takeBack(
  server: Pick<LaunchServer, 'revoke'>,
  name: string,
  id: string,
): Promise<boolean> {
  const error = await server.revoke(name, id);
  if (error !== 0 && error !== again) throw failed(`${name} cannot be revoked`, error);
  return error === 0;
}

/** Removes the file and with it the name, unless another launch has it by now. */
export async function takeName(
  server: Pick<LaunchServer, 'remove'>,
  clock: Clock,
  name: string,
  id: string,
): Promise<void> {
  const deadline = clock.monotonicMs() + lockPatienceMs;
  for (;;) {
    const error = await server.remove(name, id);
    if (error === 0) return;
    if (error !== again || clock.monotonicMs() > deadline) throw failed(`${name} cannot be removed`, error);
    await sleep(clock, lockPollMs);
  }
}

const failed = (what: string, error: number): CarillonError =>
  new CarillonError('ENGINE_UNAVAILABLE', `${what}: the system reports ${systemError(error)}`);

/** Status, room for notes and orders, the record. */
function beginningOf(record: FileRecord): Buffer {
  const json = `${JSON.stringify(record)}\n`;
  const bytes = Buffer.alloc(area.record + Buffer.byteLength(json));
  bytes.write(statusLine({ begin: bytes.length, newest: 0, dropped: 0 }));
  bytes.write(json, area.record);
  return bytes;
}
