/** The canvas in the page: its size, and its text alternative. */

import { type RefObject, useEffect, useRef, useState } from 'react';
import { GraphView } from './draw/graph-view.ts';
import { gestures } from './gestures.ts';

export interface CanvasProps {
  readonly view: RefObject<GraphView | null>;
  readonly label: string;
  readonly onReady: () => void;
  /** A card was selected; -1: none. `open`: by a double click or Enter. */
  readonly onChoose: (card: number, open: boolean) => void;
}

export function GraphCanvas({ view, label, onReady, onChoose }: CanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const choose = useRef(onChoose);
  choose.current = onChoose;
  const ready = useRef(onReady);
  ready.current = onReady;
  const [overCard, setOverCard] = useState(false);

  useEffect(() => {
    const element = canvas.current!;
    const made = new GraphView(element);
    view.current = made;
    const fill = () => made.resize(element.clientWidth, element.clientHeight, devicePixelRatio);
    // The observer reports with the next frame, which may come after the layout, and later in the background.
    fill();
    const sizes = new ResizeObserver(fill);
    sizes.observe(element);
    const theme = new MutationObserver(() => made.recolour());
    theme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    const release = gestures(element, made, {
      choose: (card, open) => choose.current(card, open),
      hover: setOverCard,
    });
    ready.current();
    return () => {
      sizes.disconnect();
      theme.disconnect();
      release();
      made.close();
      view.current = null;
    };
  }, [view]);

  return (
    // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: it takes keys, and no widget's role fits
    <canvas
      ref={canvas}
      className={overCard ? 'graph-canvas graph-over-card' : 'graph-canvas'}
      role="application"
      aria-label={label}
      tabIndex={0}
    />
  );
}
