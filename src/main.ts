#!/usr/bin/env node
/** Entry point: runs the command line, and passes it the functions that serve a node and restore a backup. */

import { readFileSync } from 'node:fs';
import { runCli } from './cli/program.ts';
import { restoreBackup } from './node/restore.ts';
import { serve } from './node/serve.ts';
import { protectZooKeeper } from './node/zookeeper/protect.ts';

const { env: environment } = process;
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

process.exitCode = await runCli(process.argv.slice(2), {
  // A pending retry must not keep the process of a stopped node alive.
  serve: async (args) => process.exit(await serve(args, { environment, version })),
  restore: restoreBackup,
  protect: protectZooKeeper,
  environment,
  version,
});
