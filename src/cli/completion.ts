/**
 * Completion of command lines in shells: commands and options from the program itself, and names of jobs and runs from the
 * server, if it answers within a moment. The scripts of the shells ask `carillon complete -- WORDS…`, where the last word is
 * the one that is being typed. Each line of the answer is a word, a tab and what it is; a colon alone asks for files.
 */

import type { Argument, Command, Option } from 'commander';
import type { Client } from './client.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type ShellName = (typeof shells)[number];

// What is typed is passed on as it is, and never evaluated.
export const scripts: Readonly<Record<ShellName, string>> = {
  bash: `_carillon() {
  local IFS=$'\\n'
  COMPREPLY=($(carillon complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  if [[ \${COMPREPLY[0]-} == : ]]; then
    COMPREPLY=()
    compopt -o default
  else
    COMPREPLY=("\${COMPREPLY[@]%%$'\\t'*}")
  fi
}
complete -F _carillon carillon
`,
  zsh: `#compdef carillon
_carillon() {
  local -a found
  found=("\${(@f)$(carillon complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "\${found[1]}" == : ]]; then
    _files
  elif [[ -n "\${found[1]}" ]]; then
    found=("\${found[@]/$'\\t'/:}")
    _describe carillon found
  fi
}
compdef _carillon carillon
`,
  fish: `function __carillon_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (carillon complete -- $words[2..] 2>/dev/null)
  if test "$found[1]" = :
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $found
  end
end
complete -c carillon -f -a '(__carillon_complete)'
`,
};

/** People wait for it at their prompt. */
const ANSWER_WITHIN_MS = 1_000;
const MOST_NAMES = 200;

/** What can stand where a word is typed. */
export interface Suggestion {
  readonly word: string;
  readonly meaning: string;
}

/** Null: a file. */
export async function suggest(
  program: Command,
  words: readonly string[],
  client: Client,
): Promise<readonly Suggestion[] | null> {
  const { command, option, argument, isFirst } = placeIn(program, words.slice(0, -1));
  const typed = words.at(-1) ?? '';
  const found: Suggestion[] = [];
  const add = (word: string, meaning = ''): void => {
    if (word.startsWith(typed)) found.push({ word, meaning });
  };
  if (option === undefined && typed.startsWith('-')) {
    for (const each of visibleOptions(command, program)) if (each.long) add(each.long, each.description);
    return found;
  }
  const given = option ?? argument;
  const kinds = given === undefined ? [] : kindsOf(given, command);
  if (kinds.includes('file')) return null;
  for (const choice of given?.argChoices ?? []) add(choice);
  if (option === undefined && isFirst)
    for (const each of command.createHelp().visibleCommands(command)) add(each.name(), each.description());
  for await (const name of namesOf(client, kinds, typed)) add(name);
  return found;
}

interface Place {
  readonly command: Command;
  /** The option whose value is next. */
  readonly option: Option | undefined;
  /** The argument that is next. */
  readonly argument: Argument | undefined;
  /** No argument came before. */
  readonly isFirst: boolean;
}

/** What comes behind these words. */
function placeIn(program: Command, words: readonly string[]): Place {
  let command = program;
  let option: Option | undefined;
  let count = 0;
  for (const word of words) {
    if (option !== undefined) option = undefined;
    else if (word.startsWith('-')) option = awaiting([...command.options, ...program.options], word);
    else {
      const next = count === 0 ? command.commands.find((each) => each.name() === word) : undefined;
      if (next === undefined) count += 1;
      else command = next;
    }
  }
  const { registeredArguments: all } = command;
  const last = all.at(-1);
  const argument = all[count] ?? (last?.variadic === true ? last : undefined);
  return { command, option, argument, isFirst: count === 0 };
}

/** The option, if it takes a value that is the next word. */
function awaiting(options: readonly Option[], word: string): Option | undefined {
  const option = options.find(({ long, short }) => long === word || short === word);
  return option?.required === true || option?.optional === true ? option : undefined;
}

function visibleOptions(command: Command, program: Command): Option[] {
  const help = command.createHelp();
  return [...help.visibleOptions(command), ...(command === program ? [] : help.visibleOptions(program))];
}

type Kind = 'job' | 'run' | 'file';

/** By the name in the help. */
const kinds: Readonly<Record<string, readonly Kind[]>> = {
  job: ['job'],
  'run-or-job': ['job', 'run'],
  file: ['file'],
  files: ['file'],
  folder: ['file'],
  path: ['file'],
};
/** Arguments of these commands are called `name`, `names` or `id`, and are jobs or runs. */
const ofJobs = new Set([
  'jobs',
  'run',
  'pause',
  'resume',
  'delete',
  'next',
  'stats',
  'revisions',
  'export',
  'exec',
]);
const ofRuns = new Set(['runs', 'rerun', 'kill', 'pipelines']);

function kindsOf(given: Option | Argument, command: Command): readonly Kind[] {
  if ('flags' in given) {
    if (given.long === '--job') return ['job'];
    return (kinds[/<([a-z-]+)/.exec(given.flags)?.[1] ?? ''] ?? []).filter((each) => each === 'file');
  }
  const name = given.name();
  if ((name === 'name' || name === 'names') && ofJobs.has(command.name())) return ['job'];
  if (name === 'id' && ofRuns.has(command.name())) return ['run'];
  return kinds[name] ?? [];
}

/** None if the server does not answer: at a prompt nobody wants to read why. */
async function* namesOf(client: Client, wanted: readonly Kind[], typed: string): AsyncIterable<string> {
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
  try {
    if (wanted.includes('job'))
      for await (const { name } of client.jobs({ q: typed, limit: MOST_NAMES }, signal)) yield name;
    if (wanted.includes('run'))
      for await (const { id } of client.runs({ limit: MOST_NAMES }, signal)) yield id;
  } catch {}
}
