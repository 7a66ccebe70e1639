/** Parameters of one run, which become environment variables. */

import { CarillonError } from '../../errors.ts';
import { argumentsParameter } from '../chronos/task.ts';
import type { JobDefinition } from '../job/definition.ts';
import { shorten } from '../job/schema/explain.ts';
import { faultIn, utf8Length } from '../job/texts.ts';

const environmentName = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Maximum parameters of one run, and bytes of each: they become environment variables. */
const MAX_PARAMS = 64;
const MAX_PARAM_BYTES = 4_096;

/** INVALID_FIELD or LIMIT_EXCEEDED. */
export function checkParams(params: Readonly<Record<string, string>>): void {
  const names = Object.keys(params);
  if (names.length > MAX_PARAMS) {
    throw new CarillonError(
      'LIMIT_EXCEEDED',
      `The run has ${names.length} parameters, but the maximum is ${MAX_PARAMS}.`,
      {
        field: 'params',
        allowed: `at most ${MAX_PARAMS} parameters`,
      },
    );
  }
  for (const name of names) {
    if (!environmentName.test(name) || name.startsWith('CARILLON_')) {
      throw new CarillonError('INVALID_FIELD', `'${name}' is not a valid name of a parameter.`, {
        field: `params.${name}`,
        value: name,
        allowed: 'letters, digits and underscores, not starting with a digit or with CARILLON_',
      });
    }
    const value = params[name] ?? '';
    const fault = faultIn(value);
    if (fault !== null) {
      throw new CarillonError('INVALID_FIELD', `params.${name} ${fault}. Allowed: text without it.`, {
        field: `params.${name}`,
        value: shorten(value),
        allowed: 'text without it',
      });
    }
    if (utf8Length(value) > MAX_PARAM_BYTES) {
      throw new CarillonError(
        'LIMIT_EXCEEDED',
        `The parameter '${name}' is longer than ${MAX_PARAM_BYTES} bytes.`,
        {
          field: `params.${name}`,
          allowed: `at most ${MAX_PARAM_BYTES} bytes`,
        },
      );
    }
  }
}

/** Variables by which shells, loaders and interpreters run other code. */
const ofPrograms = new RegExp(
  '^(?:PATH|IFS|ENV|BASH.*|SHELLOPTS|PS4|PROMPT_COMMAND|ZDOTDIR|HOME|LD_.*|DYLD_.*|GCONV_PATH|NODE_.*|PYTHON.*|PERL.*' +
    '|RUBY.*|GEM_.*|BUNDLE_.*|PHP.*|LUA_.*|R_.*|JAVA_.*|_JAVA_.*|JDK_.*|CLASSPATH|DOTNET_.*|COR.*|GIT_.*|EDITOR|VISUAL|PAGER' +
    '|LESS.*|KUBECONFIG|.*_(?:OPTS|OPTIONS|COMMAND|ASKPASS|HOST|PROXY))$',
  'i',
);

/**
 * A parameter that changes what runs, and not only with which values: words of the command, variables and secrets of the
 * job, and variables that programs obey. Only somebody who may change the job gives it. Null: there is none.
 */
export function changingParam(
  params: Readonly<Record<string, string>>,
  { run: { env = {}, secrets = {} } = {} }: JobDefinition,
): string | null {
  const changes = (name: string): boolean =>
    name === argumentsParameter ||
    Object.hasOwn(env, name) ||
    Object.hasOwn(secrets, name) ||
    ofPrograms.test(name);
  return Object.keys(params).find(changes) ?? null;
}
