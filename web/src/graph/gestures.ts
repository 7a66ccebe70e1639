/** Converts pointer, wheel and key events to movements of the picture, and clicks to selections. */

import type { GraphView } from './draw/graph-view.ts';

/** A press that moves less than this is a click, in pixels. */
const clickSlack = 4;
const keyStep = 90;
const zoomStep = Math.SQRT2;

const moves: Record<string, (view: GraphView) => void> = {
  ArrowLeft: (view) => view.pan(keyStep, 0),
  ArrowRight: (view) => view.pan(-keyStep, 0),
  ArrowUp: (view) => view.pan(0, keyStep),
  ArrowDown: (view) => view.pan(0, -keyStep),
  '+': (view) => view.zoom(zoomStep),
  '=': (view) => view.zoom(zoomStep),
  '-': (view) => view.zoom(1 / zoomStep),
  '0': (view) => view.fit(),
};

export interface Reactions {
  readonly choose: (card: number, open: boolean) => void;
  readonly hover: (overCard: boolean) => void;
}

/**
 * Returns a function that removes the listeners. Not React's listeners, whose wheel listener cannot prevent
 * scrolling.
 */
export function gestures(element: HTMLCanvasElement, view: GraphView, reactions: Reactions): () => void {
  const down = new Map<number, { x: number; y: number }>();
  let moved = 0;
  const spread = (): number => {
    const [a, b] = [...down.values()];
    return a === undefined || b === undefined ? 0 : Math.hypot(a.x - b.x, a.y - b.y);
  };
  const on = new AbortController();
  const listen = <K extends keyof HTMLElementEventMap>(
    kind: K,
    listener: (event: HTMLElementEventMap[K]) => void,
    options: AddEventListenerOptions = {},
  ) => element.addEventListener(kind, listener, { ...options, signal: on.signal });

  listen('keydown', (event) => {
    const move = moves[event.key];
    if (move === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move(view);
  });
  listen('pointerdown', (event) => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    down.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    moved = 0;
  });
  listen('pointermove', (event) => {
    const at = down.get(event.pointerId);
    if (at === undefined) {
      reactions.hover(view.cardAt(event.offsetX, event.offsetY) >= 0);
      return;
    }
    const before = spread();
    const dx = event.offsetX - at.x;
    const dy = event.offsetY - at.y;
    moved += Math.hypot(dx, dy);
    at.x = event.offsetX;
    at.y = event.offsetY;
    view.pan(dx / down.size, dy / down.size);
    if (before > 0) view.zoom(spread() / before, { x: event.offsetX, y: event.offsetY });
  });
  const up = (event: PointerEvent) => {
    if (!down.delete(event.pointerId) || event.type === 'pointercancel' || moved > clickSlack) return;
    reactions.choose(view.cardAt(event.offsetX, event.offsetY), event.detail > 1);
  };
  listen('pointerup', up);
  listen('pointercancel', up);
  listen('dblclick', (event) => {
    const card = view.cardAt(event.offsetX, event.offsetY);
    if (card >= 0) reactions.choose(card, true);
    else view.zoom(zoomStep * zoomStep, { x: event.offsetX, y: event.offsetY });
  });
  listen(
    'wheel',
    (event) => {
      event.preventDefault();
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      if (event.ctrlKey || event.metaKey) {
        const factor = Math.exp(-event.deltaY * unit * 0.01);
        view.zoom(Math.min(2, Math.max(0.5, factor)), { x: event.offsetX, y: event.offsetY });
      } else if (event.shiftKey && event.deltaX === 0) {
        view.pan(-event.deltaY * unit, 0);
      } else {
        view.pan(-event.deltaX * unit, -event.deltaY * unit);
      }
    },
    { passive: false },
  );
  return () => on.abort();
}
