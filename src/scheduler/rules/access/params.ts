/** Which parameters of a run need more than the permission to start it. */

import type { JobDefinition } from '../../job/definition.ts';
import { argumentsParameter, type GivenParams } from '../../job/params.ts';

/** Variables by which shells, loaders and interpreters run other code. */
const ofPrograms = new RegExp(
  '^(?:PATH|IFS|ENV|BASH.*|SHELLOPTS|PS4|PROMPT_COMMAND|ZDOTDIR|HOME|LD_.*|DYLD_.*|GCONV_PATH|NODE_.*|PYTHON.*|PERL.*' +
    '|RUBY.*|GEM_.*|BUNDLE_.*|PHP.*|LUA_.*|R_.*|JAVA_.*|_JAVA_.*|JDK_.*|CLASSPATH|DOTNET_.*|COR.*|GIT_.*|EDITOR|VISUAL|PAGER' +
    '|LESS.*|KUBECONFIG|.*_(?:OPTS|OPTIONS|COMMAND|ASKPASS|HOST|PROXY))$',
  'i',
);

/**
 * A parameter that changes what runs, and not only with which values: words of the command, a secret, and for a job that declares
 * no parameters also its own variables and secrets, and variables that programs obey. Only somebody who may change the job
 * gives it. What a job declares, it asks for. Null: there is none.
 */
export function changingParam(given: GivenParams, definition: JobDefinition): string | null {
  const { params: declared, run: { env = {}, secrets = {} } = {} } = definition;
  const changes = (name: string): boolean => {
    if (name === argumentsParameter) return true;
    if (declared !== undefined) return Object.hasOwn(declared, name) && declared[name]?.type === 'secret';
    return Object.hasOwn(env, name) || Object.hasOwn(secrets, name) || ofPrograms.test(name);
  };
  return Object.keys(given).find(changes) ?? null;
}
