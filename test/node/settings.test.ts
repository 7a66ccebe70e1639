/** Scripts, unit files and charts rely on every flag, variable and key: a change shows in the snapshots. */

import { expect, test } from 'vitest';
import { describeSettings } from '../../src/node/config.ts';
import { settings } from '../../src/node/settings.ts';
import { flagOf, variableOf } from '../../src/setting.ts';

test('the help of the settings is as it was', async () => {
  await expect(`${describeSettings()}\n`).toMatchFileSnapshot('snapshots/settings-help.txt');
});

test('flags, variables, keys, allowed values and defaults are as they were', async () => {
  const rows = Object.entries(settings).map(([key, { kind, default: byDefault }]) =>
    [
      `${key} · ${flagOf(key)} · ${variableOf(key)}`,
      `  <${kind.placeholder}> ${kind.allowed}${'repeated' in kind ? ' (may be repeated)' : ''}`,
      `  default ${JSON.stringify(byDefault)}`,
    ].join('\n'),
  );
  await expect(`${rows.join('\n')}\n`).toMatchFileSnapshot('snapshots/settings.txt');
});
