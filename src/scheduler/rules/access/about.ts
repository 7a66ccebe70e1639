/** What a command is about, as far as it has a name. */

import type { Command } from '../../command.ts';
import { maintenanceId } from '../../model/calendar.ts';

export function aboutCommand(command: Command): string | null {
  if ('name' in command) return command.name;
  if ('runId' in command) return command.runId;
  if ('run' in command) return command.run.id;
  if ('id' in command) return command.id;
  if ('names' in command) return command.names.join(', ');
  if ('document' in command) {
    const { calendar } = (command.document ?? {}) as { readonly calendar?: unknown };
    return typeof calendar === 'string' ? calendar : null;
  }
  if ('labels' in command) return maintenanceId(command.labels);
  if (!('definition' in command)) return null;
  const { name } = (command.definition ?? {}) as { readonly name?: unknown };
  return typeof name === 'string' ? name : null;
}
