/** Shows what the templates of a job become. */

import type { Command } from 'commander';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { each, paramsOf } from '../option-values.ts';
import type { Session, Shell } from '../shell.ts';
import { card, nothing, table, when } from '../words.ts';

interface Options {
  readonly due?: string;
  readonly param?: string[];
}

export function addRenderCommand(program: Command, shell: Shell): void {
  program
    .command('render')
    .argument('<name>', 'job')
    .description("show what a job's templates become, and start nothing")
    .option('--due <instant>', 'due time. Default: the next one')
    .option('--param <k=v>', 'a parameter, as the job declares it; may be repeated', each)
    .addHelpText('after', '\nExample:\n  carillon render report --due 2026-12-01T02:00:00Z --param region=us')
    .action((name: string, options: Options, command: Command) =>
      shell.run(command, (session) => render(session, name, options)),
    );
}

async function render(session: Session, name: string, { due, param = [] }: Options): Promise<ExitCode> {
  const { io } = session;
  const rendered = await session.client.render(name, {
    ...(due !== undefined && { due }),
    params: paramsOf(param),
  });
  const failed = rendered.fields.some(({ problem }) => problem !== null);
  if (session.json) session.printJson(rendered);
  else {
    const params = Object.entries(rendered.params).map(([each, value]) => `${each}=${value}`);
    const condition =
      rendered.runs === null ? null : rendered.runs ? 'true' : 'false: the run would be skipped';
    session.print(
      card(
        [
          ['due', when(rendered.due, io)],
          ['parameters', params.join(' ')],
          ['runIf', condition],
        ],
        io,
      ),
    );
    const rows = rendered.fields.map(({ field, value, problem }) => [field, value ?? nothing, problem ?? '']);
    session.print(
      rows.length === 0 ? '\nno templates' : `\n${table(['FIELD', 'VALUE', 'PROBLEM'], rows, io)}`,
    );
  }
  return failed ? exitCodes.failed : exitCodes.ok;
}
