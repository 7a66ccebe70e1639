/** The graph as a picture: lays it out when its structure changes, and updates states and marks in place. */

import { type RefObject, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { WireGraphNode } from '../../../src/api/wire/views.ts';
import { Icon } from '../parts/icon.tsx';
import { GraphCanvas } from './canvas.tsx';
import type { GraphView } from './draw/graph-view.ts';
import { type Marks, type Scene, sceneOf } from './draw/scene.ts';
import { layOutAside } from './layout/lay-out-aside.ts';
import type { Model } from './model.ts';
import { groupNote, noteOf } from './notes.ts';
import { standingOfAll } from './state.ts';

interface PictureProps {
  readonly model: Model;
  readonly nodes: ReadonlyMap<string, WireGraphNode>;
  readonly marks: Marks;
  readonly view: RefObject<GraphView | null>;
  readonly label: string;
  readonly onChoose: (card: number, open: boolean) => void;
  /** The picture is laid out and shown. */
  readonly onShown?: (() => void) | undefined;
}

/** Interval for updating relative times in notes ("3 min ago"). */
const ageMs = 15_000;

export function Picture({ model, nodes, marks, view, label, onChoose, onShown }: PictureProps) {
  const [scene, setScene] = useState<Scene | null>(null);
  const [mounted, setMounted] = useState(false);
  const age = useAge();
  const shown = useRef(onShown);
  shown.current = onShown;

  useEffect(() => {
    const control = new AbortController();
    layOutAside(model.cards.length, model.edges, control.signal).then(
      (layout) => control.signal.aborted || setScene(sceneOf(model, layout)),
      (error: unknown) => {
        if (!control.signal.aborted) throw error;
      },
    );
    return () => control.abort();
  }, [model]);

  const looks = useMemo(() => {
    const members = model.cards.map(({ jobs }) => jobs.flatMap((job) => nodes.get(job) ?? []));
    const now = age;
    return {
      standing: members.map(standingOfAll),
      note: members.map((all, card) => (model.cards[card]!.isGroup ? groupNote(all) : noteOf(all[0]!, now))),
    };
  }, [model, nodes, age]);

  const current = mounted && scene?.model === model;
  // Before the page is painted: what is marked as ready then has its picture, and reacts to clicks.
  useLayoutEffect(() => {
    if (scene === null || !current) return;
    view.current?.show(scene);
    shown.current?.();
  }, [scene, current, view]);
  useEffect(() => {
    if (scene !== null && current) view.current?.stand(looks.standing, looks.note);
  }, [scene, current, looks, view]);
  useEffect(() => {
    if (scene !== null && current) view.current?.mark(marks);
  }, [scene, current, marks, view]);

  return (
    <div className="graph-picture" data-graph-ready={current || undefined}>
      <GraphCanvas view={view} label={label} onReady={() => setMounted(true)} onChoose={onChoose} />
      {!current && model.cards.length > 0 && (
        <p className="graph-pending">Laying out {model.cards.length} jobs…</p>
      )}
      <div className="graph-zoom">
        <button
          type="button"
          aria-label="Zoom in"
          title="Zoom in (+)"
          onClick={() => view.current?.zoom(1.41)}
        >
          <Icon name="plus" />
        </button>
        <button
          type="button"
          aria-label="Zoom out"
          title="Zoom out (−)"
          onClick={() => view.current?.zoom(0.71)}
        >
          <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
            <path d="M3 8h10" />
          </svg>
        </button>
        <button type="button" aria-label="Show all" title="Show all (0)" onClick={() => view.current?.fit()}>
          <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
            <path d="M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10" />
          </svg>
        </button>
      </div>
    </div>
  );
}

function useAge(): number {
  const [age, setAge] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setAge(Date.now()), ageMs);
    return () => clearInterval(timer);
  }, []);
  return age;
}
