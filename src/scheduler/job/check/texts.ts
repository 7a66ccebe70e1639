/**
 * Rejects characters that no text of a job may contain: NUL, which no program, variable or file name can
 * have, and lone surrogates, which no file can have. Also limits the size of the job, and in bytes what the
 * system limits in bytes: arguments, variables and paths. Pure; reads each text once.
 */

import { definitionLimits, type JobDefinition, type RunDefinition } from '../definition.ts';
import { type Findings, shorten } from '../schema/explain.ts';
import { fetchName } from '../schema/fetch.ts';
import { faultIn, utf8Length } from '../texts.ts';

/**
 * Adds problems; the shape has already been validated. False: the definition is too deep or too large for any
 * further check.
 */
export function checkTexts(definition: JobDefinition, findings: Findings): boolean {
  const { depth } = definitionLimits;
  // JSON needs at most six bytes per UTF-16 unit, and a little per value.
  let mostBytes = 0;
  const walk = (value: unknown, field: string, level: number): boolean => {
    if (typeof value === 'string') {
      checkText(value, field, findings);
      mostBytes += 6 * value.length + 3;
    } else if (typeof value === 'object' && value !== null) {
      if (level > depth) {
        refuse(findings, field.slice(0, 200), `nested more than ${depth} deep`, `at most ${depth} levels`);
        return false;
      }
      const list = Array.isArray(value);
      for (const [key, inner] of Object.entries(value)) {
        const place = list ? `${field}[${key}]` : join(field, key);
        if (!list) checkKey(key, field, findings);
        mostBytes += 6 * key.length + 4;
        if (!walk(inner, place, level + 1)) return false;
      }
    } else mostBytes += 32;
    return true;
  };
  if (!walk(definition, '', 0)) return false;
  if (mostBytes > definitionLimits.bytes && !fitsInWhole(definition, findings)) return false;
  checkBytes(definition, findings);
  return true;
}

const join = (parent: string, name: string): string => (parent === '' ? name : `${parent}.${name}`);

function checkText(text: string, field: string, findings: Findings): void {
  const fault = faultIn(text);
  if (fault !== null) refuse(findings, field, fault, 'text without it', text);
}

function checkKey(key: string, parent: string, findings: Findings): void {
  const fault = faultIn(key);
  if (fault === null) return;
  const allowed = 'a name without it';
  findings.add('INVALID_FIELD', `A name in ${parent} ${fault}. Allowed: ${allowed}.`, {
    field: parent,
    value: shorten(key),
    allowed,
  });
}

function fitsInWhole(definition: JobDefinition, findings: Findings): boolean {
  const bytes = utf8Length(JSON.stringify(definition));
  if (bytes <= definitionLimits.bytes) return true;
  refuse(findings, 'name', `of a job of ${bytes} bytes`, `at most ${definitionLimits.bytes} bytes as JSON`);
  return false;
}

/** Maximum length of a path and of one component, without the terminating NUL. */
const PATH_BYTES = 4_095;
const FILE_NAME_BYTES = 255;

function checkBytes({ run = {} }: JobDefinition, findings: Findings): void {
  const { env = {}, secrets = {}, command, argv = [], entrypoint = [], args = [] } = run;
  const most = (text: string, field: string, bytes: number): void => {
    // A character has at most three bytes per UTF-16 unit.
    if (3 * text.length <= bytes) return;
    const length = utf8Length(text);
    if (length > bytes) refuse(findings, field, `${length} bytes long`, `at most ${bytes} bytes`, text);
  };
  const { commandLength, variableNameLength } = definitionLimits;
  if (command !== undefined) most(command, 'run.command', commandLength);
  for (const [field, words] of Object.entries({ argv, entrypoint, args })) {
    words.forEach((word, index) => void most(word, `run.${field}[${index}]`, commandLength));
  }
  for (const [name, value] of Object.entries(env)) {
    most(name, `run.env.${shorten(name)}`, variableNameLength);
    most(value, `run.env.${shorten(name)}`, commandLength);
  }
  for (const name of Object.keys(secrets)) most(name, `run.secrets.${shorten(name)}`, variableNameLength);
  for (const [field, path] of pathsOf(run)) {
    most(path, field, PATH_BYTES);
    for (const part of path.split('/')) most(part, field, FILE_NAME_BYTES);
  }
}

/** All values that become paths on a file system. */
function pathsOf({ workdir, secrets = {}, registry, fetch = [], tmpfs = {}, volumes = [] }: RunDefinition) {
  const paths: [field: string, path: string][] = [];
  if (workdir !== undefined) paths.push(['run.workdir', workdir]);
  if (registry?.secret.file !== undefined) paths.push(['run.registry.secret.file', registry.secret.file]);
  for (const [name, { file, mount }] of Object.entries(secrets)) {
    if (file !== undefined) paths.push([`run.secrets.${name}.file`, file]);
    if (mount !== undefined) paths.push([`run.secrets.${name}.mount`, mount]);
  }
  fetch.forEach(({ uri, output }, index) => {
    paths.push([`run.fetch[${index}].output`, output ?? fetchName(uri)]);
  });
  for (const path of Object.keys(tmpfs)) paths.push([`run.tmpfs.${shorten(path)}`, path]);
  volumes.forEach((volume, index) => {
    for (const path of volume.split(':')) paths.push([`run.volumes[${index}]`, path]);
  });
  return paths;
}

function refuse(findings: Findings, field: string, problem: string, allowed: string, value?: string): void {
  const verb = problem.startsWith('contains') ? '' : 'is ';
  findings.add('INVALID_FIELD', `${field} ${verb}${problem}. Allowed: ${allowed}.`, {
    field,
    ...(value !== undefined && { value: shorten(value) }),
    allowed,
  });
}
