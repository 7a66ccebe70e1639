/** Details of a selected job or group: its state, the reason, what it waits for, and its expected end. */

import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { WireGraphNode } from '../../../src/api/wire/views.ts';
import { overviewQuery } from '../data/queries.ts';
import { Done } from '../parts/done.tsx';
import { Icon } from '../parts/icon.tsx';
import { Instant, Relative } from '../parts/instant.tsx';
import { Reason } from '../parts/reason.tsx';
import { runWord } from '../parts/state-mark.tsx';
import { duration } from '../parts/time.ts';
import { type Card, type Model, neighboursOf } from './model.ts';
import { countsOf } from './notes.ts';
import { StandingMark, StandingShape } from './standing-mark.tsx';
import { standingOf, standingOfAll, standings, words } from './state.ts';

interface PanelProps {
  readonly card: number;
  readonly model: Model;
  readonly nodes: ReadonlyMap<string, WireGraphNode>;
  readonly onSelect: (job: string | null) => void;
  readonly onAround: (job: string) => void;
  readonly onOpenGroup: (group: string) => void;
}

export function Panel({ card, model, nodes, onSelect, onAround, onOpenGroup }: PanelProps) {
  const shown = model.cards[card];
  if (shown === undefined) return null;
  const members = shown.jobs.flatMap((job) => nodes.get(job) ?? []);
  const node = members[0];
  if (node === undefined) return null;
  return (
    <aside className="graph-panel" aria-label={`About ${shown.title}`}>
      <header>
        <h2>{shown.isGroup ? shown.title : <Link href={`/jobs/${shown.title}`}>{shown.title}</Link>}</h2>
        <button type="button" className="icon-button" aria-label="Close" onClick={() => onSelect(null)}>
          <Icon name="close" />
        </button>
      </header>
      <p>
        <StandingMark standing={standingOfAll(members)} />
      </p>
      {shown.isGroup ? (
        <GroupFacts card={shown} members={members} onOpen={() => onOpenGroup(shown.title)} />
      ) : (
        <>
          <JobFacts node={node} onSelect={onSelect} />
          <Relatives title="Parents" cards={neighboursOf(model, card).parents} {...{ nodes, onSelect }} />
          <Relatives title="Children" cards={neighboursOf(model, card).children} {...{ nodes, onSelect }} />
          <p className="actions">
            <Link href={`/jobs/${node.name}`} className="button button-small">
              Open the job
            </Link>
            <button type="button" className="button button-small" onClick={() => onAround(node.name)}>
              Show related jobs only
            </button>
          </p>
        </>
      )}
    </aside>
  );
}

const Fact = ({ name, children }: { readonly name: string; readonly children: ReactNode }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);

function JobFacts({
  node,
  onSelect,
}: {
  readonly node: WireGraphNode;
  readonly onSelect: (job: string) => void;
}) {
  const { late, lateWhy, lacking, heldBackBy, last, nextDue, p50Ms, p95Ms, consecutiveFailures, owner } =
    node;
  const [round] = lacking;
  // The overview has the longest overdue jobs, with the expected end of each and of its downstream jobs.
  const { data: overview } = useQuery({ ...overviewQuery, enabled: late !== null });
  const forecast = late === null ? undefined : overview?.late.items.find(({ job }) => job === node.name);
  return (
    <>
      {late !== null && (
        <p className="callout callout-late">
          <Reason why={lateWhy} text={late} job={node.name} />
        </p>
      )}
      {round !== undefined && (
        <div className="callout">
          The round of <Instant at={round.due} /> waits for{' '}
          {round.parents.map((parent, i) => (
            <span key={parent}>
              {i > 0 && ', '}
              <button type="button" className="link" onClick={() => onSelect(parent)}>
                {parent}
              </button>
            </span>
          ))}
          .
        </div>
      )}
      {heldBackBy.length > 0 && (
        <div className="callout">
          Waits for{' '}
          {heldBackBy.map((holder, i) => (
            <span key={holder.job}>
              {i > 0 && ', '}
              <button type="button" className="link" onClick={() => onSelect(holder.job)}>
                {holder.job}
              </button>{' '}
              ({holder.status})
            </span>
          ))}
          .
        </div>
      )}
      <dl className="graph-facts">
        {forecast !== undefined && (
          <Fact name="Expected end">
            <Done forecast={forecast.done} />
          </Fact>
        )}
        {forecast !== undefined && forecast.dependents > 0 && (
          <Fact name="Downstream end">
            <Done forecast={forecast.allDone} />
          </Fact>
        )}
        {last !== null && (
          <Fact name="Last">
            <Link href={`/runs/${last.id}`}>{runWord(last.state)}</Link> <Relative at={last.endedAt} />
          </Fact>
        )}
        {consecutiveFailures > 1 && <Fact name="Consecutive failures">{consecutiveFailures}</Fact>}
        {nextDue !== null && (
          <Fact name="Next">
            <Instant at={nextDue} />, <Relative at={nextDue} />
          </Fact>
        )}
        {nextDue !== null && p50Ms !== null && (
          <Fact name="Expected end">
            <Instant at={new Date(Date.parse(nextDue) + (p95Ms ?? p50Ms)).toISOString()} /> with 95 %
            probability
          </Fact>
        )}
        {p50Ms !== null && (
          <Fact name="Takes">
            {duration(p50Ms)} median, {duration(p95Ms)} at p95
          </Fact>
        )}
        {owner !== null && <Fact name="Owner">{owner}</Fact>}
        {Object.keys(node.labels).length > 0 && (
          <Fact name="Labels">
            {Object.entries(node.labels).map(([key, value]) => (
              <span key={key} className="chip">
                {key}={value}
              </span>
            ))}
          </Fact>
        )}
      </dl>
    </>
  );
}

interface GroupFactsProps {
  readonly card: Card;
  readonly members: readonly WireGraphNode[];
  readonly onOpen: () => void;
}

function GroupFacts({ card, members, onOpen }: GroupFactsProps) {
  const counts = countsOf(members);
  return (
    <>
      <p>{card.jobs.length} jobs</p>
      <ul className="graph-relatives">
        {standings.map((each) => {
          const count = counts.get(each) ?? 0;
          if (count === 0) return null;
          return (
            <li key={each}>
              <StandingShape standing={each} /> {count} {words[each]}
            </li>
          );
        })}
      </ul>
      <p className="actions">
        <button type="button" className="button button-small" onClick={onOpen}>
          Open the group
        </button>
      </p>
    </>
  );
}

/** More would push everything else out of the panel; the table has all of them. */
const mostRelatives = 12;

interface RelativesProps {
  readonly title: string;
  readonly cards: readonly Card[];
  readonly nodes: ReadonlyMap<string, WireGraphNode>;
  readonly onSelect: (job: string) => void;
}

function Relatives({ title, cards, nodes, onSelect }: RelativesProps) {
  if (cards.length === 0) return null;
  return (
    <section>
      <h3>
        {title} {cards.length > mostRelatives && <span className="muted">{cards.length}</span>}
      </h3>
      <ul className="graph-relatives">
        {cards.slice(0, mostRelatives).map((card) => {
          const node = nodes.get(card.jobs[0] ?? '');
          return (
            <li key={card.id}>
              {node !== undefined && <StandingShape standing={standingOf(node)} />}
              <button type="button" className="link" onClick={() => onSelect(card.id)}>
                {card.title}
              </button>
              {node?.p50Ms != null && <span className="muted">{duration(node.p50Ms)}</span>}
            </li>
          );
        })}
      </ul>
      {cards.length > mostRelatives && <p className="muted">and {cards.length - mostRelatives} more</p>}
    </section>
  );
}
