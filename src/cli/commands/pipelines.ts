/** Pipelines: list them, show one, end one, run again what failed. */

import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { WirePipeline, WireWholePipeline } from '../../api/wire/pipelines.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { wholeFrom } from '../option-values.ts';
import type { Session, Shell } from '../shell.ts';
import { card, lasting, nothing, short, table, tinted, when, whenExactly, zoned } from '../words.ts';

const LISTED = 20;

export function addPipelineCommands(program: Command, shell: Shell): void {
  const pipelines = program
    .command('pipelines')
    .argument('[id]', 'pipeline to show: the run that began it')
    .description('list pipelines, newest first: each is a run of a first job with all that follows from it')
    .option('--job <name>', 'only pipelines that begin with this job')
    .option('--from <instant>', 'due at or after this time')
    .option('--to <instant>', 'due before this time')
    .option('-n, --limit <n>', 'maximum number of pipelines', wholeFrom(1), LISTED)
    .action((id: string | undefined, options: ListOptions, command: Command) =>
      shell.run(command, (session) =>
        id === undefined ? listPipelines(session, options) : showPipeline(session, id),
      ),
    );
  pipelines
    .command('kill')
    .argument('<id>', 'the run that began it')
    .description('end all unfinished runs of a pipeline; nothing follows from them')
    .action((id: string, _, command: Command) =>
      shell.run(command, async (session) => print(session, await session.client.killPipeline(id))),
    );
  pipelines
    .command('rerun')
    .argument('<id>', 'the run that began it')
    .description('run again what failed of a pipeline; the others follow')
    .action((id: string, _, command: Command) =>
      shell.run(command, async (session) =>
        print(session, await session.client.rerunPipeline(id, randomUUID())),
      ),
    );
}

interface ListOptions {
  readonly job?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
}

async function listPipelines(session: Session, { limit, ...filter }: ListOptions): Promise<ExitCode> {
  const { io, client } = session;
  const found: WirePipeline[] = [];
  for await (const pipeline of client.pipelines({ ...filter })) {
    found.push(pipeline);
    if (found.length >= limit) break;
  }
  if (session.json) session.printJson(found);
  else if (found.length === 0) session.print('no pipelines');
  else {
    const rows = found.map((pipeline) => [
      pipeline.id,
      tinted(pipeline.state, io),
      when(pipeline.due, io),
      progressOf(pipeline),
      lasting(pipeline.lateMs),
    ]);
    session.print(table(['PIPELINE', 'STATE', zoned('DUE', io), 'JOBS', 'LATE'], rows, io));
  }
  return exitCodes.ok;
}

const showPipeline = async (session: Session, id: string): Promise<ExitCode> =>
  print(session, await session.client.pipeline(id));

/** `14 succeeded, 1 failed, 5 pending`. */
function progressOf({ counts }: WirePipeline): string {
  const words = { succeeded: '', failed: '', skipped: '', running: '', pending: '', none: 'not reached' };
  return Object.entries(words)
    .map(([name, word]) => [counts[name as keyof typeof counts], word === '' ? name : word] as const)
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(', ');
}

function print(session: Session, pipeline: WireWholePipeline): ExitCode {
  const { io } = session;
  if (session.json) {
    session.printJson(pipeline);
    return exitCodes.ok;
  }
  session.print(
    card(
      [
        ['pipeline', pipeline.id],
        ['state', tinted(pipeline.state, io)],
        ['due', whenExactly(pipeline.due, io)],
        ['jobs', progressOf(pipeline)],
        ['expected by', pipeline.expectedBy === null ? null : whenExactly(pipeline.expectedBy, io)],
        ['late', pipeline.lateMs === null ? null : lasting(pipeline.lateMs)],
        ['ended', pipeline.endedAt === null ? null : whenExactly(pipeline.endedAt, io)],
      ],
      io,
    ),
  );
  const rows = pipeline.parts.map(({ job, state, after, run }) => [
    job,
    tinted(state === 'none' ? nothing : state, io),
    after.join(', '),
    lasting(run?.runMs ?? null),
    run?.id ?? nothing,
    short(run?.reason ?? null),
  ]);
  session.print(`\n${table(['JOB', 'STATE', 'AFTER', 'TOOK', 'RUN', 'WHY'], rows, io)}`);
  return exitCodes.ok;
}
