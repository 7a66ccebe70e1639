/** Runs the benchmarks. Each measures a lower limit or another program in the same run: `npm run bench -- --help`. */

import { numberIn, readArguments, refuse } from '../test/support/arguments.ts';

const benches: Readonly<Record<string, () => Promise<void>>> = {
  next: async () => (await import('./next.ts')).run(),
  store: async () => (await import('./store.ts')).run(),
  backup: async () => (await import('./backup.ts')).run(),
  burst: async () => (await import('./burst.ts')).run(),
  process: async () => (await import('./process.ts')).run(processes),
  takeover: async () => (await import('./takeover.ts')).run(),
  docker: async () => (await import('./docker.ts')).run(),
  zookeeper: async () => (await import('./zookeeper.ts')).run(),
  web: async () => (await import('./web.ts')).run(),
  reads: async () => (await import('./reads.ts')).run(),
  bodies: async () => (await import('./bodies.ts')).run(),
  auth: async () => (await import('./auth.ts')).run(),
  masks: async () => (await import('./masks.ts')).run(),
  metrics: async () => (await import('./metrics.ts')).run(),
};

const usage = `npm run bench -- [NAME…]
  NAME  some of ${Object.keys(benches).join(', ')} (default: all)
  --processes N  processes that the bench named process starts at once (default: 1000, then 10000)
`;
const { values, positionals: wanted } = readArguments(usage, { processes: { type: 'string' } }, true);
const processes =
  values.processes === undefined ? null : numberIn(usage, 'processes', values.processes, { min: 1 });
const unknown = wanted.filter((name) => benches[name] === undefined);
if (unknown.length > 0) refuse(`There is no bench named ${unknown.join(', ')}.`, usage);
for (const name of wanted.length > 0 ? wanted : Object.keys(benches)) {
  process.stdout.write(`\n## ${name}\n\n`);
  await benches[name]?.();
}
