/**
 * `npm run bench`: every claim about speed, each beside a floor or peer measured in the same run. Give names
 * to run some of them: `npm run bench -- next burst`.
 */

const benches: Readonly<Record<string, () => Promise<void>>> = {
  next: async () => (await import('./next.ts')).run(),
  store: async () => (await import('./store.ts')).run(),
  backup: async () => (await import('./backup.ts')).run(),
  burst: async () => (await import('./burst.ts')).run(),
  takeover: async () => (await import('./takeover.ts')).run(),
  docker: async () => (await import('./docker.ts')).run(),
  zookeeper: async () => (await import('./zookeeper.ts')).run(),
  web: async () => (await import('./web.ts')).run(),
  reads: async () => (await import('./reads.ts')).run(),
  bodies: async () => (await import('./bodies.ts')).run(),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => benches[name] === undefined);
if (unknown.length > 0) {
  process.stderr.write(
    `no bench named ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}\n`,
  );
  process.exit(2);
}
for (const name of wanted.length > 0 ? wanted : Object.keys(benches)) {
  process.stdout.write(`\n## ${name}\n\n`);
  await benches[name]?.();
}
