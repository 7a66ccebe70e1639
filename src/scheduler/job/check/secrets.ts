/** Checks where a job's secrets come from. Whether the scheduler allows it, the engines say. Pure. */

import type { RunDefinition } from '../definition.ts';
import { describe, type Findings, shorten } from '../schema/explain.ts';
import { variableForm, vaultPathForm } from '../schema/forms.ts';
import { type SecretDefinition, secretSources } from '../schema/secret.ts';

const variable = new RegExp(variableForm);
const vaultPath = new RegExp(vaultPathForm);

/** Adds problems to the findings. The shape has already been validated. */
export function checkSecrets({ secrets = {}, registry }: RunDefinition, findings: Findings): void {
  for (const [name, secret] of Object.entries(secrets)) checkSecret(`run.secrets.${name}`, secret, findings);
  if (registry !== undefined) checkSecret('run.registry.secret', registry.secret, findings);
}

function checkSecret(place: string, secret: SecretDefinition, findings: Findings): void {
  const refuse = (field: string, value: string, allowed: string): void =>
    findings.add('INVALID_FIELD', `${field} is ${describe(value)}. Allowed: ${allowed}.`, {
      field,
      value: shorten(value),
      allowed,
    });
  const given = secretSources.filter((source) => secret[source] !== undefined);
  const [first, second] = given;
  if (first === undefined || second !== undefined) {
    const allowed = `one of ${secretSources.join(', ')}`;
    const problem = first === undefined ? 'has no source' : `has ${given.join(' and ')}`;
    findings.add('INVALID_FIELD', `${place} ${problem}. Allowed: ${allowed}.`, {
      field: second === undefined ? place : `${place}.${second}`,
      allowed,
    });
  }
  const { file, env, exec, vault } = secret;
  if (file !== undefined && (!file.startsWith('/') || file.endsWith('/')))
    refuse(`${place}.file`, file, 'the absolute path of a file');
  if (env !== undefined && !variable.test(env)) refuse(`${place}.env`, env, 'the name of a variable');
  const [program] = exec ?? [];
  if (program !== undefined && (!program.startsWith('/') || program.endsWith('/')))
    refuse(`${place}.exec[0]`, program, 'the absolute path of a program');
  if (vault !== undefined && !vaultPath.test(vault.path))
    refuse(`${place}.vault.path`, vault.path, 'a mount, data and a path, such as secret/data/etl/database');
  if (vault?.key === '') refuse(`${place}.vault.key`, vault.key, 'the name of a key');
}
