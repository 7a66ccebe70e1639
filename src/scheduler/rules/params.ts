/** Parameters of one run, which become environment variables. */

import { CarillonError } from '../../errors.ts';
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
