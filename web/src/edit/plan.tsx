/** Preview before saving: what the server would do with the definition, and its due times. */

import { useQuery } from '@tanstack/react-query';
import type { WireApply, WireDiff } from '../../../src/api/wire/schema.ts';
import type { WirePreview } from '../../../src/api/wire/views.ts';
import { send } from '../data/client.ts';
import { Diff } from '../job/diff.tsx';
import { ClockChanges } from '../parts/clock-changes.tsx';
import { Icon } from '../parts/icon.tsx';
import { InstantList } from '../parts/instant-list.tsx';
import type { FieldProblem } from './field-row.tsx';
import { isTree, leaves, type Tree, valueAt } from './path.ts';

const shownInstants = 5;

interface Props {
  /** The server's result. Null until the first response. */
  readonly verdict: WireApply | null;
  /** All reasons why it cannot be saved. */
  readonly problems: readonly FieldProblem[];
  /** Problems shown at their fields. */
  readonly marked: readonly FieldProblem[];
  readonly unnamed: boolean;
  readonly definition: Tree;
}

export function Plan({ verdict, problems, marked, unnamed, definition }: Props) {
  const result = verdict?.results[0];
  const sound =
    problems.length === 0 && !unnamed && result !== undefined && result.problem === null ? result : null;
  const unsaid = problems.filter((problem) => !marked.includes(problem));
  return (
    <section className="panel plan" aria-labelledby="plan" aria-live="polite">
      <div className="panel-head">
        <h2 id="plan">Preview</h2>
      </div>
      <div className="panel-body stack">
        {unsaid.map(({ field, detail }) => (
          <p key={`${field} ${detail}`} className="field-error">
            <Icon name="alert" />
            <span>{detail}</span>
          </p>
        ))}
        {marked.length > 0 ? (
          <p className="muted">
            Correct the {marked.length === 1 ? 'marked field' : `${marked.length} marked fields`} to save.
          </p>
        ) : unsaid.length > 0 ? null : unnamed ? (
          <p className="muted">Creates a new job, once it has a name.</p>
        ) : (
          sound !== null && <Outcome result={sound} />
        )}
        <Preview definition={definition} warns={sound === null} />
      </div>
    </section>
  );
}

const outcomes: Record<string, string> = {
  created: 'Creates a new job.',
  changed: 'Saves a new revision. Unfinished runs are not affected.',
  unchanged: 'No changes: the job is already up to date.',
};

function Outcome({ result }: { readonly result: WireApply['results'][number] }) {
  return (
    <>
      <p>{outcomes[result.outcome] ?? result.outcome}</p>
      {result.warnings.map((warning) => (
        <p key={warning} className="callout callout-late">
          {warning}
        </p>
      ))}
      {result.outcome === 'changed' && (
        <Diff changes={changesOf(result.before as Tree, result.after as Tree)} />
      )}
    </>
  );
}

function changesOf(before: Tree, after: Tree): WireDiff['changes'] {
  const paths = new Set([...leaves(before), ...leaves(after)]);
  return [...paths].flatMap((path) => {
    const [old, young] = [valueAt(before, path) ?? null, valueAt(after, path) ?? null];
    return JSON.stringify(old) === JSON.stringify(young) ? [] : [{ path, before: old, after: young }];
  });
}

/** The outcome has the warnings of the whole definition, so beside it the preview does not repeat them. */
function Preview({ definition, warns }: { readonly definition: Tree; readonly warns: boolean }) {
  const { schedule } = definition;
  const timed = isTree(schedule) && schedule.after === undefined;
  const body = {
    ...(timed && schedule),
    count: shownInstants,
    ...(typeof definition.name === 'string' && definition.name !== '' && { name: definition.name }),
  };
  const { data, error } = useQuery({
    queryKey: ['preview', body],
    queryFn: () => send<WirePreview>('POST', '/schedules/preview', { body }),
    enabled: timed,
    placeholderData: (before) => before,
  });
  if (!timed || error !== null || data === undefined) return null;
  const zone = typeof schedule.timezone === 'string' ? schedule.timezone : 'UTC';
  return (
    <>
      <div>
        <h3>{data.scheduleText}</h3>
        {warns &&
          data.warnings.map((warning) => (
            <p key={warning} className="tone-late">
              {warning}
            </p>
          ))}
      </div>
      <InstantList instants={data.instants} zone={zone} />
      <ClockChanges changes={data.clockChanges} zone={zone} />
    </>
  );
}
