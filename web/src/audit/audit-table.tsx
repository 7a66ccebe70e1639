/** Lines of the audit. The values before and after unfold below a line. */

import { Link } from 'wouter';
import type { WireAuditLine } from '../../../src/api/wire/access.ts';
import { kindWords } from '../access/words.ts';
import { Diff } from '../job/diff.tsx';
import { Exact } from '../parts/instant.tsx';
import { TableScroll } from '../parts/table-scroll.tsx';
import { actionWord, pageAbout } from './words.ts';

export const AuditTable = ({ lines }: { readonly lines: readonly WireAuditLine[] }) => (
  <TableScroll>
    <table className="table stacked audit">
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Who</th>
          <th scope="col">What</th>
          <th scope="col">From</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <Line key={line.id} line={line} />
        ))}
      </tbody>
    </table>
  </TableScroll>
);

function Line({ line }: { readonly line: WireAuditLine }) {
  const { at, by, from, via, outcome, reason } = line;
  return (
    <tr>
      <td>
        <Exact at={at} />
      </td>
      <td data-label="Who">
        {by.name} <span className="muted">{by.kind === 'person' ? '' : kindWords[by.kind]}</span>
      </td>
      <td data-label="What" className="audit-what">
        {outcome === 'refused' && <strong className="tone-fail">Refused: </strong>}
        {actionWord(line.action)}
        <About line={line} />
        {reason !== null && <div className="muted audit-reason">{reason}</div>}
        <Values line={line} />
      </td>
      <td data-label="From">
        {from ?? <span className="muted">the program itself</span>}
        {via !== null && <span className="muted"> through {via}</span>}
      </td>
    </tr>
  );
}

function About({ line }: { readonly line: WireAuditLine }) {
  const { on } = line;
  const page = pageAbout(line);
  if (on === null) return null;
  return (
    <>
      {' '}
      {page === null ? (
        <code>{on}</code>
      ) : (
        <span className="names">
          <Link href={page}>{on}</Link>
        </span>
      )}
    </>
  );
}

function Values({ line: { before, after } }: { readonly line: WireAuditLine }) {
  const paths = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  const changes = paths
    .map((path) => ({ path, before: before?.[path] ?? null, after: after?.[path] ?? null }))
    .filter((change) => change.before !== null || change.after !== null);
  if (changes.length === 0) return null;
  return (
    <details>
      <summary>{changes.length === 1 ? '1 value' : `${changes.length} values`}</summary>
      <Diff changes={changes} />
    </details>
  );
}
