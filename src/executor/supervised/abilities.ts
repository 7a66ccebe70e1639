/** Settings of a job that no engine of processes supports. */

import { type Inability, unable } from '../../scheduler/job/engine-abilities.ts';

const containerOnly = [
  ...(['image', 'args', 'constraints', 'network', 'networks', 'ports', 'hosts'] as const),
  ...(['hostname', 'volumes', 'tmpfs', 'init', 'readOnly', 'capabilities'] as const),
  ...(['noNewPrivileges', 'registry', 'pull'] as const),
];

/** Everything about containers. */
export const noContainers = (why: string): Inability[] => containerOnly.map((name) => unable(name, why));

/** Secrets as files. */
export const noSecretFiles = (why: string): Inability => ({
  field: 'secrets',
  why,
  asked: ({ secrets = {} }) => Object.keys(secrets).find((name) => secrets[name]?.mount !== undefined),
});
