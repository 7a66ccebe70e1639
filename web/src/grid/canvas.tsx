/** The grid as a picture that scrolls in both directions. It takes keys and pointers, and says what the cursor is on. */

import { type KeyboardEvent, type PointerEvent, useRef, useState } from 'react';
import type { Selected } from './address.ts';
import { useDrawing, useNewestInView, useSize } from './drawing.ts';
import { actionOf, moved } from './keys.ts';
import { headHeight, sizeOf, spotAt } from './picture.ts';
import { placeAt, type Sheet, type Spot, spotOf } from './sheet.ts';
import { cellSize } from './signs.ts';
import { Tip } from './tip.tsx';
import { spokenCell } from './words.ts';

interface Props {
  readonly sheet: Sheet;
  readonly selected: Selected | null;
  readonly onSelect: (selected: Selected | null) => void;
  /** The cell was chosen to be opened. */
  readonly onOpen: (spot: Spot) => void;
  readonly onRerun: () => void;
  /** The oldest columns are in view. */
  readonly onOldest: () => void;
}

const namesIn = (width: number): number => (width < 600 ? 132 : Math.min(280, Math.round(width * 0.24)));

export function GridCanvas({ sheet, selected, onSelect, onOpen, onRerun, onOldest }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSize(scroller);
  const [hovered, setHovered] = useState<{
    readonly spot: Spot;
    readonly x: number;
    readonly y: number;
  } | null>(null);
  const names = namesIn(size.width);
  const whole = sizeOf(sheet, names);
  const draw = useDrawing(canvas, scroller, { sheet, selected, hovered: hovered?.spot ?? null, names, size });

  useNewestInView(scroller, whole.width, size.width);

  const spot = (event: { readonly clientX: number; readonly clientY: number }): Spot | null => {
    const box = canvas.current!.getBoundingClientRect();
    return spotAt(draw.picture(), event.clientX - box.left, event.clientY - box.top);
  };
  const choose = (to: Spot, extend: boolean) => {
    const cursor = placeAt(sheet, to);
    if (cursor === null) return;
    onSelect({ cursor, anchor: extend ? (selected?.anchor ?? cursor) : cursor });
    scrollTo(scroller.current!, to, names);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const at = selected === null ? null : spotOf(sheet, selected.cursor);
    const known = at !== null && at.row >= 0 && at.column >= 0 ? at : null;
    const act = actionOf(event);
    const to = moved(sheet, known, event);
    if (act === 'clear' && selected !== null) onSelect(null);
    else if (act === 'open' && known !== null) onOpen(known);
    else if (act === 'rerun' && known !== null) onRerun();
    else if (to !== null) choose(to, event.shiftKey);
    else return;
    event.preventDefault();
  };
  const onPointerMove = (event: PointerEvent) => {
    const at = spot(event);
    const box = scroller.current!.getBoundingClientRect();
    const same = at !== null && at.row === hovered?.spot.row && at.column === hovered.spot.column;
    if (!same)
      setHovered(at === null ? null : { spot: at, x: event.clientX - box.left, y: event.clientY - box.top });
    // A finger that moves scrolls.
    if (event.buttons === 1 && event.pointerType === 'mouse' && at !== null && !same) choose(at, true);
  };
  return (
    <div className="grid-picture">
      <div
        ref={scroller}
        className="grid-scroller"
        role="application"
        aria-label={
          `Grid of ${sheet.rows.length} rows and ${sheet.columns.length} columns. Arrow keys move, with Shift they select, ` +
          'Enter opens the run, R runs the selected runs again. The table has the same content.'
        }
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it takes keys, and scrolls with them
        tabIndex={0}
        onKeyDown={onKeyDown}
        onScroll={({ currentTarget }) => {
          draw.soon();
          if (currentTarget.scrollLeft < 20 * cellSize) onOldest();
        }}
      >
        <div style={{ width: whole.width, height: whole.height }}>
          <canvas
            ref={canvas}
            className="grid-canvas"
            style={size}
            onPointerMove={onPointerMove}
            onPointerLeave={() => setHovered(null)}
            onPointerDown={(event) => {
              const at = spot(event);
              if (event.button === 0 && at !== null && at.row >= 0 && at.column >= 0)
                choose(at, event.shiftKey);
            }}
            onDoubleClick={(event) => {
              const at = spot(event);
              if (at !== null && at.row >= 0 && at.column >= 0) onOpen(at);
            }}
          />
        </div>
      </div>
      <p className="visually-hidden" aria-live="polite">
        {selected === null ? '' : spokenCell(sheet, selected)}
      </p>
      {hovered !== null && <Tip sheet={sheet} {...hovered} width={size.width} height={size.height} />}
    </div>
  );
}

function scrollTo(element: HTMLElement, { row, column }: Spot, names: number): void {
  const x = column * cellSize;
  const y = row * cellSize;
  const room = { x: element.clientWidth - names, y: element.clientHeight - headHeight };
  if (x < element.scrollLeft) element.scrollLeft = x;
  else if (x + cellSize > element.scrollLeft + room.x) element.scrollLeft = x + cellSize - room.x + 4;
  if (y < element.scrollTop) element.scrollTop = y;
  else if (y + cellSize > element.scrollTop + room.y) element.scrollTop = y + cellSize - room.y + 4;
}
