/** What the templates of the job became for a run. */

import { useQuery } from '@tanstack/react-query';
import type { WireRun } from '../../../src/api/wire/schema.ts';
import { renderedQuery } from '../data/queries.ts';
import { Panel } from '../parts/panel.tsx';
import { TableScroll } from '../parts/table-scroll.tsx';

/** Nothing for a job without templates. */
export function Rendered({ run }: { readonly run: WireRun }) {
  const { data } = useQuery(renderedQuery(run));
  if (data === undefined || data.fields.length === 0) return null;
  return (
    <Panel title="Templates">
      <TableScroll>
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Template</th>
              <th scope="col">Value</th>
            </tr>
          </thead>
          <tbody>
            {data.fields.map(({ field, template, value, problem }) => (
              <tr key={field}>
                <td className="mono">{field}</td>
                <td className="mono">{template}</td>
                <td className="mono">{value ?? problem}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableScroll>
    </Panel>
  );
}
