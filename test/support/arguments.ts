/** Arguments of the project's own programs: `--help` prints the usage, and a wrong argument says what is allowed. */

import { type ParseArgsConfig, parseArgs } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;

/** `--help` and wrong arguments end the process, with 0 and 2. */
export function readArguments<const T extends Options>(usage: string, options: T, allowPositionals = false) {
  try {
    const all = { ...options, help: { type: 'boolean', default: false } } as const;
    const read = parseArgs({ options: all, allowPositionals });
    if ((read.values as { help?: boolean }).help === true) {
      process.stdout.write(usage);
      process.exit(0);
    }
    return read;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error), usage);
  }
}

/** The number that an option gives. Anything else ends the process with 2. */
export function numberIn(usage: string, option: string, text: string, { min, whole = true }: NumberRange) {
  const number = Number(text);
  if (
    text.trim() !== '' &&
    number >= min &&
    Number.isFinite(number) &&
    (!whole || Number.isSafeInteger(number))
  )
    return number;
  return refuse(`--${option} is '${text}'. Allowed: a ${whole ? 'whole ' : ''}number from ${min}.`, usage);
}

export interface NumberRange {
  readonly min: number;
  readonly whole?: boolean;
}

export function refuse(message: string, usage: string): never {
  process.stderr.write(`${message}\n\n${usage}`);
  process.exit(2);
}
