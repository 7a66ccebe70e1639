/**
 * Why a process launch could not be started, as errors of the catalogue: what is the job's own is refused, what passes
 * is tried again.
 */

import { constants } from 'node:os';
import { CarillonError } from '../../errors.ts';
import { supervisorEnd } from '../supervisor/program.ts';
import { refused } from './refusal.ts';

/** Of a failed start: the machine is out of something for now. All else is the job's own. */
const passing = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM', 'ENOSPC', 'EIO', 'EDQUOT', 'EROFS']);

/** Nothing runs; what the caller may do about it depends on why. */
export function startFailure(launchName: string, error: unknown): CarillonError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (code === 'E2BIG') {
    const allowed = 'what the system takes: often 128 KiB for one value and 2 MiB for all';
    return refused('run.env', launchName, 'Command, environment and secrets are too long together', allowed);
  }
  if (passing.has(code)) return unavailable(launchName, message);
  return refused(
    'run',
    launchName,
    `The system can not start it: ${message}`,
    'a command that can be started',
  );
}

const { errno } = constants;

/** Why the system does not execute a file that was there and executable before, for people. */
const obstacles = new Map<number, string>([
  [errno.ENOENT, 'it, or the interpreter or loader that it names, does not exist'],
  [errno.EACCES, 'the user may not execute it, or its interpreter'],
  [errno.EPERM, 'the system does not permit it'],
  [errno.ENOEXEC, 'it is neither a program for this machine nor a script (ENOEXEC)'],
  [errno.ETXTBSY, 'it is being written (ETXTBSY)'],
  [errno.E2BIG, 'its arguments and environment are too long together (E2BIG)'],
  [errno.ENOMEM, 'the machine has not enough memory for it (ENOMEM)'],
  [errno.ELOOP, 'its interpreters name each other (ELOOP)'],
]);

export function obstacleText(number: number): string {
  const name = Object.entries(errno).find(([, value]) => value === number)?.[0];
  return obstacles.get(number) ?? `the system says ${name ?? `error ${number}`}`;
}

/** The user can't enter the folder in which the job would have begun. */
export function outOfReach(folder: string, user: string): CarillonError {
  const allowed = 'a user that may pass through this folder and those above it';
  return refused(
    'run.user',
    user,
    `The user ${user} can not reach ${folder}, where the job is started`,
    allowed,
  );
}

/** In a container, not every number is a user. */
export function notBecome(user: string): CarillonError {
  const message = `The system does not let a job become the user ${user}`;
  return refused('run.user', user, message, 'a user that exists in the scheduler’s user namespace');
}

export function unavailable(launchName: string, reason: string): CarillonError {
  return new CarillonError('ENGINE_UNAVAILABLE', `${launchName} can not be started now: ${reason}`);
}

/** Its supervisor ended before the job began. */
export function supervisorFailed(launchName: string, code: number | null): CarillonError {
  const why =
    code === supervisorEnd.noJournal ? ': it cannot write its journal. Check that the disk has room' : '';
  return unavailable(launchName, `its supervisor ended at once (${code})${why}`);
}
