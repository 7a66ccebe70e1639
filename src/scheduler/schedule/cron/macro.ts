/** Names for common cron expressions, in any case. `@every` is not one of them: it becomes a repeat. */

import { cronError } from './cron.ts';

const macros: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
  '@minutely': '* * * * *',
  '@secondly': '* * * * * *',
};

/** The duration of `@every <duration>`. Null for any other text. */
export function everyMacro(expression: string): string | null {
  return (
    /^@every(?:\s+(.*))?$/is
      .exec(expression.trim())
      ?.slice(1)
      .map((text) => text?.trim() ?? '')[0] ?? null
  );
}

/** The expression of a macro. Other text is returned unchanged. Throws INVALID_SCHEDULE. */
export function expandMacro(expression: string): string {
  const trimmed = expression.trim();
  if (!trimmed.startsWith('@')) return expression;
  const name = trimmed.toLowerCase();
  const expanded = macros[name];
  if (expanded !== undefined) return expanded;
  const allowed = `${Object.keys(macros).join(', ')}, @every <duration>`;
  if (name === '@reboot')
    throw cronError(trimmed, 'is not a time: a scheduler on several nodes has no reboot', allowed);
  throw cronError(trimmed, 'is not a known macro', allowed);
}
