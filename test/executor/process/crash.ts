/** A scheduler that launches what it is told, over and over the same names, until it is killed. */

import { once } from 'node:events';
import { createRunLogs } from '../../../src/executor/logs/run-logs.ts';
import { createProcessLauncher } from '../../../src/executor/process/launcher.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { Log } from '../../../src/scheduler/ports.ts';
import { crashSpec } from '../launch-spec.ts';

const [order] = (await once(process, 'message')) as [
  {
    dir: string;
    supervisor: string | null;
    cgroups: string | null;
    out: string;
    term: number;
    names: string[];
  },
];
const { dir, supervisor, cgroups, out, term, names } = order;
const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const logs = createRunLogs({ dir: `${dir}/logs`, clock: realClock });
const options = {
  dir,
  installation: 'conformance',
  clock: realClock,
  log: silent,
  logs,
  supervisor,
  cgroups,
  environment: process.env,
};
const launcher = createProcessLauncher(options);
await launcher.start();
process.send!('started');
await Promise.all(names.map((name, index) => launcher.launch(crashSpec({ name, index, out, term }))));
