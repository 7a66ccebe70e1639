/** The differences between two definitions, field by field. */

import type { WireDiff } from '../../../src/api/wire/schema.ts';
import { TableScroll } from '../parts/table-scroll.tsx';

const shown = (value: unknown): string => {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value, null, 1).replaceAll(/\n\s*/g, ' ');
};

export function Diff({ changes }: { readonly changes: WireDiff['changes'] }) {
  if (changes.length === 0) return <p className="muted">No differences.</p>;
  return (
    <TableScroll>
      <table className="table diff">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {changes.map(({ path, before, after }) => (
            <tr key={path}>
              <th scope="row">{path}</th>
              <td>{before === null ? <span className="muted">not set</span> : <del>{shown(before)}</del>}</td>
              <td>{after === null ? <span className="muted">not set</span> : <ins>{shown(after)}</ins>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableScroll>
  );
}
