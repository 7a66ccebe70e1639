/**
 * Explains why a process launch could not be started: permanent problems of the job are refused, temporary
 * ones are retried.
 */

import { constants } from 'node:os';
import { CarillonError } from '../../errors.ts';
import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import { supervisorEnd } from '../supervisor/program.ts';
import { refused } from './refusal.ts';

/** Errors of a start for which the machine temporarily lacks a resource. All others are the job's own. */
const passing = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM', 'ENOSPC', 'EIO', 'EDQUOT', 'EROFS']);

/** Nothing runs; whether a retry makes sense depends on the reason. */
export function startFailure(launchName: string, error: unknown): CarillonError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (code === 'E2BIG') {
    const allowed = 'the limits of the system: often 128 KiB for one value and 2 MiB in total';
    return refused('run.env', launchName, 'Command, environment and secrets together are too long', allowed);
  }
  if (passing.has(code)) return unavailable(launchName, message);
  return refused(
    'run',
    launchName,
    `The system cannot start it: ${message}`,
    'a command that can be started',
  );
}

const { errno } = constants;

/** Why the system does not execute an existing executable file, for people. */
const obstacles = new Map<number, string>([
  [errno.ENOENT, 'it, or the interpreter or loader that it names, does not exist'],
  [errno.EACCES, 'the user may not execute it, or its interpreter'],
  [errno.EPERM, 'the system does not permit it'],
  [errno.ENOEXEC, 'it is neither a program for this machine nor a script (ENOEXEC)'],
  [errno.ETXTBSY, 'it is being written (ETXTBSY)'],
  [errno.E2BIG, 'its arguments and environment together are too long (E2BIG)'],
  [errno.ENOMEM, 'the machine does not have enough memory for it (ENOMEM)'],
  [errno.ELOOP, 'its interpreters refer to each other (ELOOP)'],
]);

export function obstacleText(number: number): string {
  const name = Object.entries(errno).find(([, value]) => value === number)?.[0];
  return obstacles.get(number) ?? `the system reports ${name ?? `error ${number}`}`;
}

/** The user cannot enter the folder in which the job would start. */
export function outOfReach(folder: string, user: string): CarillonError {
  const allowed = 'a user that may enter this folder and its parents';
  return refused('run.user', user, `The user ${user} cannot reach ${folder}, where the job starts`, allowed);
}

/** The limits of the system, or the groups with limits, did not accept the process. */
function notLimited(spec: LaunchSpec): CarillonError {
  const [first] = spec.ulimits;
  if (first === undefined)
    return unavailable(spec.launchName, 'it cannot join the control groups with its limits');
  const message = `The system does not let the scheduler set run.ulimits.${first.name}, or another of its limits`;
  const allowed =
    'limits that are not above those of the scheduler; as root also higher ones, but nofile at most fs.nr_open';
  return refused('run.ulimits', first, message, allowed);
}

/** The process was killed before its program could start. */
function tooLittleMemory({ memoryBytes }: LaunchSpec): CarillonError {
  const message = `No process can start with ${memoryBytes} bytes of memory`;
  return refused('run.resources.memory', memoryBytes, message, 'more memory, such as 64MiB');
}

/** The shell that takes the supervisor's place does not set them. */
export function noSystemLimits(): CarillonError {
  const message = 'Processes run under a shell on this system, which does not set run.ulimits';
  return refused('run.ulimits', null, message, 'Linux on x86-64 or arm64, or ulimit in the command');
}

/** In a container, not every number is a user. */
export function notBecome(user: string): CarillonError {
  const message = `The system does not let a job run as user ${user}`;
  return refused('run.user', user, message, 'a user that exists in the scheduler’s user namespace');
}

export function unavailable(launchName: string, reason: string): CarillonError {
  return new CarillonError('ENGINE_UNAVAILABLE', `${launchName} cannot be started now: ${reason}`);
}

/** The supervisor ended before the job started. */
export function supervisorFailed(spec: LaunchSpec, code: number | null): CarillonError {
  if (code === supervisorEnd.noLimits) return notLimited(spec);
  if (code === supervisorEnd.noMemory) return tooLittleMemory(spec);
  const why =
    code === supervisorEnd.noJournal
      ? ': it cannot write its journal. Check that the disk has free space'
      : '';
  return unavailable(spec.launchName, `its supervisor ended at once (${code})${why}`);
}
