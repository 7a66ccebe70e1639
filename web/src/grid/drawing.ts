/** The picture of the grid in the page: drawn when it changes, and when it scrolls. */

import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { Selected } from './address.ts';
import { drawGrid } from './draw.ts';
import type { Picture } from './picture.ts';
import { areaOf, type Sheet, type Spot, spotOf } from './sheet.ts';
import { coloursOf, Signs } from './signs.ts';

interface Drawn {
  readonly sheet: Sheet;
  readonly selected: Selected | null;
  readonly hovered: Spot | null;
  readonly names: number;
  readonly size: { readonly width: number; readonly height: number };
}

/** Draws at most once per frame, without React: a scroll changes nothing of the page. */
export function useDrawing(
  canvas: { readonly current: HTMLCanvasElement | null },
  scroller: { readonly current: HTMLDivElement | null },
  drawn: Drawn,
) {
  const newest = useRef(drawn);
  newest.current = drawn;
  const [drawing] = useState(() => {
    let frame = 0;
    let paint: { colours: ReturnType<typeof coloursOf>; signs: Signs } | null = null;
    const picture = (): Picture => {
      const { sheet, selected, hovered, names, size } = newest.current;
      const cursor = selected === null ? null : spotOf(sheet, selected.cursor);
      return {
        sheet,
        ...size,
        left: scroller.current?.scrollLeft ?? 0,
        top: scroller.current?.scrollTop ?? 0,
        names,
        cursor: cursor !== null && Math.min(cursor.row, cursor.column) >= 0 ? cursor : null,
        area: areaOf(sheet, selected),
        hovered,
      };
    };
    const now = () => {
      frame = 0;
      const element = canvas.current;
      const context = element?.getContext('2d');
      if (element == null || context == null) return;
      const { width, height } = newest.current.size;
      const [across, down] = [Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio)];
      if (element.width !== across || element.height !== down) {
        element.width = across;
        element.height = down;
        paint = null;
      }
      if (paint === null) {
        const colours = coloursOf(element);
        paint = { colours, signs: new Signs(colours, devicePixelRatio) };
      }
      context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
      drawGrid(context, picture(), paint);
    };
    const soon = () => {
      frame ||= requestAnimationFrame(now);
    };
    const repaint = () => {
      paint = null;
      soon();
    };
    return { picture, soon, now, repaint, stop: () => cancelAnimationFrame(frame) };
  });
  // Before the page is painted, so that it never shows an old picture with a new size.
  useLayoutEffect(() => drawing.now());
  useEffect(() => {
    const theme = new MutationObserver(drawing.repaint);
    theme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      theme.disconnect();
      drawing.stop();
    };
  }, [drawing]);
  return drawing;
}

/** Begins at the newest column, and stays where it is when older ones are added at the left. */
export function useNewestInView(
  scroller: { readonly current: HTMLDivElement | null },
  whole: number,
  visible: number,
): void {
  const before = useRef(0);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null || visible === 0) return;
    const isFirst = before.current === 0;
    element.scrollLeft = isFirst ? whole : element.scrollLeft + whole - before.current;
    before.current = whole;
  }, [scroller, whole, visible]);
}

/** Of the visible part. */
export function useSize(scroller: { readonly current: HTMLElement | null }): {
  readonly width: number;
  readonly height: number;
} {
  const [size, setSize] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const sizes = new ResizeObserver(() =>
      setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    sizes.observe(element);
    return () => sizes.disconnect();
  }, [scroller]);
  return size;
}
