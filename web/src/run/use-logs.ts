/** The output of one attempt, followed until it ends. A lost connection begins anew and shows nothing twice. */

import { useEffect, useState } from 'react';
import type { WireLogEvent } from '../../../src/api/schema.ts';
import { address, refusalAt } from '../data/client.ts';
import { type LogLine, LogLines, mostLines, type Stream } from './log-lines.ts';

/** Quick enough to look live, rare enough for a job that writes without end. */
const paintMs = 100;

export interface Logs {
  readonly lines: readonly LogLine[];
  readonly dropped: number;
  readonly state: 'opening' | 'following' | 'ended' | 'refused';
  /** Why there is nothing, in the server's words. */
  readonly problem: string | null;
}

const nothing: Logs = { lines: [], dropped: 0, state: 'opening', problem: null };

/** `attempt` null: there is none yet. */
export function useLogs(id: string, attempt: number | null): Logs {
  const [logs, setLogs] = useState(nothing);
  useEffect(() => {
    setLogs(nothing);
    if (attempt === null) return;
    return follow(id, attempt, setLogs);
  }, [id, attempt]);
  return logs;
}

/** Returns what stops it. */
function follow(id: string, attempt: number, onLogs: (logs: Logs) => void): () => void {
  const path = `/runs/${encodeURIComponent(id)}/logs`;
  const source = new EventSource(address(path, { attempt, tail: mostLines, follow: true }));
  let kept = new LogLines();
  let chunks: { readonly stream: Stream; readonly text: string }[] = [];
  let timer: ReturnType<typeof setTimeout> | null = null;
  const paint = (state: Logs['state'], problem: string | null = null) => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    kept.add(chunks);
    chunks = [];
    onLogs({ lines: kept.lines, dropped: kept.dropped, state, problem });
  };
  source.onopen = () => {
    // Also after a lost connection, when the server begins again.
    kept = new LogLines();
    chunks = [];
    timer ??= setTimeout(() => paint('following'), paintMs);
  };
  source.addEventListener('log', (event: MessageEvent<string>) => {
    chunks.push(JSON.parse(event.data) as WireLogEvent);
    timer ??= setTimeout(() => paint('following'), paintMs);
  });
  source.addEventListener('end', () => {
    source.close();
    paint('ended');
  });
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED) return;
    // A refusal: the browser does not tell which, so it is asked for once more as text.
    void refusalAt(path, { attempt, tail: 1 }).then((problem) =>
      paint(problem === null ? 'ended' : 'refused', problem),
    );
  };
  return () => {
    source.close();
    if (timer !== null) clearTimeout(timer);
  };
}
