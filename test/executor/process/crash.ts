/** A scheduler that launches or prepares what it is told, over and over the same names, until it is killed. */

import { once } from 'node:events';
import { createRunLogs } from '../../../src/executor/logs/run-logs.ts';
import { createProcessLauncher } from '../../../src/executor/process/launcher.ts';
import { realClock } from '../../../src/node/clock.ts';
import type { Log } from '../../../src/scheduler/ports.ts';
import { secretsFrom } from '../../support/secrets.ts';
import { crashSpec } from '../launch-spec.ts';

const [order] = (await once(process, 'message')) as [
  {
    dir: string;
    supervisor: string | null;
    cgroups: string | null;
    out: string;
    term: number;
    names: string[];
    ahead?: true;
  },
];
const { dir, supervisor, cgroups, out, term, names, ahead } = order;
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
  secrets: secretsFrom(),
};
const launcher = createProcessLauncher(options);
await launcher.start();
process.send!('started');
const specs = names.map((name, index) => crashSpec({ name, index, out, term }));
if (ahead) {
  const how = { warm: true, forMs: 60_000, mayStart: () => true };
  await Promise.all(specs.map((spec) => launcher.ahead?.prepare(spec, how)));
  process.send!('prepared');
} else await Promise.all(specs.map((spec) => launcher.launch(spec)));
