/** Completion of command lines in shells. */

import { Argument, type Command } from 'commander';
import { type ShellName, scripts, shells, suggest } from '../completion.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Shell } from '../shell.ts';

export function addCompletionCommands(program: Command, shell: Shell): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>').choices(shells))
    .description('print a script with which a shell completes commands, options, jobs and runs')
    .addHelpText(
      'after',
      `
Examples:
  source <(carillon completion bash)      in ~/.bashrc
  source <(carillon completion zsh)       in ~/.zshrc, behind compinit
  carillon completion fish > ~/.config/fish/completions/carillon.fish`,
    )
    .action((name: ShellName) => shell.io.out(scripts[name]));
  // What these scripts ask.
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .action((words: string[], _, command: Command) =>
      shell.run(command, async ({ client, print }) => {
        const suggestions = await suggest(program, words, client);
        if (suggestions === null) print(':');
        for (const { word, meaning } of suggestions ?? [])
          print(meaning === '' ? word : `${word}\t${meaning}`);
        return exitCodes.ok;
      }),
    );
}
