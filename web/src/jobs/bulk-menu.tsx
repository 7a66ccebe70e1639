/** Actions on all jobs that match the filter. */

import { useState } from 'react';
import { useMaySome } from '../access/may.ts';
import { Icon, type IconName } from '../parts/icon.tsx';
import type { BulkKind } from './bulk.ts';
import { BulkDialog } from './bulk-dialog.tsx';
import type { JobFilter } from './filter.ts';

const kinds: readonly (readonly [BulkKind, string, IconName])[] = [
  ['trigger', 'Run now', 'play'],
  ['pause', 'Pause', 'pause'],
  ['resume', 'Resume', 'again'],
  ['delete', 'Delete', 'bin'],
];

interface Props {
  readonly filter: JobFilter;
  readonly total: number | null;
}

export function BulkMenu({ filter, total }: Props) {
  const [kind, setKind] = useState<BulkKind | null>(null);
  const may = { operate: useMaySome('operate'), edit: useMaySome('edit') };
  const offered = kinds.filter(([each]) => may[each === 'delete' ? 'edit' : 'operate']);
  if (total === null || total === 0 || offered.length === 0) return null;
  return (
    <>
      <span className="muted bulk-count">
        {total === 1 ? 'This one:' : `All ${total.toLocaleString('en')}:`}
      </span>
      {offered.map(([each, text, icon]) => (
        <button
          key={each}
          type="button"
          className={`button button-small ${each === 'delete' ? 'button-danger' : ''}`}
          onClick={() => setKind(each)}
        >
          <Icon name={icon} /> {text}
        </button>
      ))}
      {kind !== null && <BulkDialog kind={kind} filter={filter} onClose={() => setKind(null)} />}
    </>
  );
}
