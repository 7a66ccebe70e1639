/** The output of a run: one or both streams, searchable, and followed while it is written. */

import { useLayoutEffect, useRef, useState } from 'react';
import type { WireRun } from '../../../src/api/wire/schema.ts';
import { useMayOn } from '../access/may.ts';
import { needsRole } from '../access/words.ts';
import { address } from '../data/client.ts';
import { wholeIn } from '../parts/address-values.ts';
import { Choices } from '../parts/choices.tsx';
import { Panel } from '../parts/panel.tsx';
import { useQueryState } from '../parts/query-state.ts';
import { clockTime } from '../parts/time.ts';
import { type LogLine, matching, mostLines, type Stream } from './log-lines.ts';
import { type Logs as Output, useLogs } from './use-logs.ts';

const streamChoices: readonly (readonly [string, string, readonly Stream[]])[] = [
  ['', 'Both', ['stdout', 'stderr']],
  ['stdout', 'stdout', ['stdout']],
  ['stderr', 'stderr', ['stderr']],
];

/** Output may contain what only some may see, so it needs a right of its own. */
export function Logs({ run }: { readonly run: WireRun }) {
  const mayRead = useMayOn('logs', run.job);
  if (mayRead) return <Readable run={run} />;
  return (
    <Panel className="logs" title="Output">
      <p className="panel-body muted">{needsRole('Reading the output of runs', 'logs', run.job)}</p>
    </Panel>
  );
}

function Readable({ run }: { readonly run: WireRun }) {
  const [parameters, change] = useQueryState();
  const chosen = wholeIn(parameters.get('attempt'), 1, Number.MAX_SAFE_INTEGER);
  const shown = run.attempts.find(({ number }) => number === chosen) ?? run.attempts.at(-1);
  const attempt = shown?.number ?? null;
  const output = useLogs(run.id, attempt);
  const stream = parameters.get('stream') ?? '';
  const text = parameters.get('find') ?? '';
  const times = parameters.get('times') === '1';
  const hasTimes = output.lines.some(({ time }) => time !== null);
  const streams = streamChoices.find(([key]) => key === stream)?.[2] ?? ['stdout', 'stderr'];
  const lines = matching(output.lines, { streams, text });
  return (
    <Panel
      className="logs"
      title="Output"
      aside={
        <>
          {run.attempts.length > 1 && (
            <select
              className="select attempt-select"
              aria-label="Attempt"
              value={attempt ?? ''}
              onChange={(event) => change({ attempt: event.target.value })}
            >
              {run.attempts.map(({ number }) => (
                <option key={number} value={number}>
                  Attempt {number}
                </option>
              ))}
            </select>
          )}
          <span className="muted" role="status">
            {statusOf(output, { found: lines.length, searching: text !== '' })}
          </span>
          <div className="actions">
            <Choices
              className="segments"
              name="Stream"
              choices={streamChoices.map(([key, word]) => [key, word] as const)}
              isChosen={(key) => key === stream}
              onChoose={(key) => change({ stream: key })}
            />
            <input
              type="search"
              className="input logs-find"
              aria-label="Find in the output"
              placeholder="Find"
              value={text}
              onChange={(event) => change({ find: event.target.value })}
            />
            {hasTimes && (
              <button
                type="button"
                className="button button-small logs-times"
                aria-pressed={times}
                onClick={() => change({ times: times ? '' : '1' })}
              >
                Times
              </button>
            )}
            {attempt !== null && (
              <a
                className="button button-small"
                href={address(`/runs/${encodeURIComponent(run.id)}/logs`, {
                  attempt,
                  timestamps: times && hasTimes ? true : undefined,
                })}
              >
                Open as text
              </a>
            )}
          </div>
        </>
      }
    >
      {shown !== undefined && shown.bytesDropped !== 0 && (
        <p className="logs-cut">The output is incomplete: {droppedText(shown.bytesDropped)}.</p>
      )}
      <Lines lines={lines} find={text} times={times} empty={emptyText(run, output)} />
    </Panel>
  );
}

const droppedText = (bytes: number | null): string =>
  bytes === null
    ? 'the engine dropped the oldest part'
    : `${bytes.toLocaleString('en-US')} bytes were dropped`;

function statusOf(
  { state, dropped, lines }: Output,
  { found, searching }: { readonly found: number; readonly searching: boolean },
): string {
  const shown = searching ? `${found} of ${counted(lines.length)}` : counted(lines.length);
  const cut = dropped > 0 || lines.length >= mostLines ? `, the last ${mostLines.toLocaleString('en')}` : '';
  if (state === 'following') return `${shown}${cut}, live`;
  if (state === 'interrupted') return `${shown}${cut}; connection lost, reconnecting …`;
  return state === 'ended' && lines.length > 0 ? shown + cut : '';
}

const counted = (lines: number): string => (lines === 1 ? '1 line' : `${lines.toLocaleString('en')} lines`);

function emptyText(run: WireRun, { state, problem, lines }: Output): string {
  if (problem !== null) return problem;
  if (run.attempts.length === 0)
    return run.endedAt === null
      ? 'The run has not started yet.'
      : 'The run never started, so there is no output.';
  if (state === 'opening') return '';
  if (lines.length > 0) return 'No line matches.';
  return state === 'ended' ? 'No output.' : 'No output yet.';
}

/** Keeps the scroll position at the end while it is at the end. */
function Lines({
  lines,
  find,
  times,
  empty,
}: {
  readonly lines: readonly LogLine[];
  readonly find: string;
  readonly times: boolean;
  readonly empty: string;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each change of the lines scrolls.
  useLayoutEffect(() => {
    if (atEnd && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [lines, atEnd]);
  return (
    <div className="lines-frame">
      <section
        ref={box}
        className="lines"
        aria-label="Lines of the output"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard.
        tabIndex={0}
        onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) =>
          setAtEnd(scrollTop + clientHeight >= scrollHeight - 4)
        }
      >
        {lines.length === 0 && <p className="muted">{empty}</p>}
        {lines.map(({ key, stream, text, time }) => (
          <div key={key} className={`line line-${stream}`}>
            {times && time !== null && (
              <time className="line-time" dateTime={time}>
                {localTime(time)}
              </time>
            )}
            {stream === 'stderr' && <span className="visually-hidden">stderr: </span>}
            {find === '' ? text : <Marked text={text} find={find} />}
          </div>
        ))}
      </section>
      {!atEnd && (
        <button type="button" className="button button-small to-end" onClick={() => setAtEnd(true)}>
          Scroll to end
        </button>
      )}
    </div>
  );
}

/** The time of day where the reader is, with milliseconds. */
const localTime = (time: string): string => `${clockTime(Date.parse(time))}.${time.slice(20, 23)}`;

function Marked({ text, find }: { readonly text: string; readonly find: string }) {
  const at = text.toLowerCase().indexOf(find.toLowerCase());
  if (at < 0) return text;
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + find.length)}</mark>
      {text.slice(at + find.length)}
    </>
  );
}
