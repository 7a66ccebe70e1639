/** What a host needs to start a launch. Secrets are read on the scheduler's host, and only go into the environment of the job. */

import { CarillonError } from '../../errors.ts';
import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import { masksOf } from '../secrets/mask.ts';
import { readSecretVariables, type Secrets } from '../secrets/secrets.ts';
import type { Beginning } from '../supervised/launch.ts';
import { overtimeOf } from '../supervised/overtime.ts';
import { refused } from '../supervised/refusal.ts';
import { systemLimits } from '../supervised/system-limits.ts';
import type { Hello } from './agent.ts';

const defaultPath = '/usr/local/bin:/usr/bin:/bin';

/** LAUNCH_REFUSED or UNSUPPORTED_BY_ENGINE, naming the problem. */
export async function hostStart(
  spec: LaunchSpec,
  { environment }: Hello,
  secrets: Secrets,
): Promise<Beginning['start']> {
  refuseUnsupported(spec);
  const [program = '', ...args] = spec.argv ?? [];
  if (program === '')
    throw refused('run.command', spec.argv, 'There is no command to run', 'run.command or run.argv');
  const values = await readSecretVariables(secrets, spec.secrets);
  return {
    argv: [program, ...args],
    env: { PATH: defaultPath, ...environment, ...spec.env, ...values },
    cwd: spec.workdir,
    owner: null,
    input: null,
    masks: masksOf(Object.values(values)),
    systemLimits: systemLimits(spec.ulimits),
    overtime: overtimeOf(spec),
  };
}

/** Refused when a job is submitted; this is the last line of defence. */
function refuseUnsupported({
  image,
  user,
  cpus,
  memoryBytes,
  pids,
  ioWeight,
  gpus,
  fetch = [],
}: LaunchSpec): void {
  const wanted: readonly (readonly [field: string, value: unknown])[] = [
    ['run.image', image],
    ['run.user', user],
    ['run.fetch', fetch[0] ?? null],
    ['run.resources', cpus ?? memoryBytes ?? pids ?? ioWeight ?? gpus],
  ];
  for (const [field, value] of wanted)
    if (value !== null)
      throw new CarillonError('UNSUPPORTED_BY_ENGINE', `The ssh engine does not support ${field}`, {
        field,
        value,
        allowed: 'another engine, or the job without it',
      });
}
