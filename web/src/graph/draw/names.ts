/**
 * Names in the picture from afar, where only few have room: the selected card first, then what is wrong, then
 * the cards with the most edges, each where it covers no other name.
 */

import { nodeSize } from '../layout/layout.ts';
import { tones } from '../state.ts';
import type { Camera, Size } from './camera.ts';
import type { Palette } from './palette.ts';
import type { Marks, Scene } from './scene.ts';

const most = 24;
/** Candidates that are tried: those of the largest weight among what is seen. */
const tried = 240;
const textSize = 11.5;
const room = { width: 170, height: 34 } as const;

interface View {
  readonly camera: Camera;
  readonly size: Size;
  readonly palette: Palette;
}

export function drawNames(
  context: CanvasRenderingContext2D,
  scene: Scene,
  marks: Marks,
  { camera, size, palette }: View,
): void {
  context.font = `500 ${textSize}px ${palette.font}`;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  for (const { card, x, y } of placed(scene, marks, camera, size)) {
    const { title } = scene.model.cards[card]!;
    const text = title.length > 24 ? `${title.slice(0, 12)}…${title.slice(-11)}` : title;
    const width = context.measureText(text).width + 12;
    context.beginPath();
    context.roundRect(x, y - 9, width, 18, 5);
    context.fillStyle = palette.surface;
    context.fill();
    context.strokeStyle =
      card === marks.selected ? palette.accent : palette.fill[tones[scene.standing[card]!]];
    context.lineWidth = 1;
    context.stroke();
    context.fillStyle = palette.text;
    context.fillText(text, x + 6, y + 0.5);
  }
}

interface Name {
  readonly card: number;
  readonly x: number;
  readonly y: number;
}

function placed(scene: Scene, marks: Marks, camera: Camera, size: Size): Name[] {
  const taken = new Set<string>();
  const names: Name[] = [];
  for (const card of candidates(scene, marks, camera, size)) {
    const x = (scene.layout.x[card]! - camera.x) * camera.scale;
    const y = (scene.layout.y[card]! + nodeSize.height / 2 - camera.y) * camera.scale;
    const column = Math.floor(x / room.width);
    const row = Math.floor(y / room.height);
    // A name may reach into the next cell each way.
    const cells = [column - 1, column, column + 1].flatMap((c) =>
      [row - 1, row, row + 1].map((r) => `${c} ${r}`),
    );
    if (cells.some((cell) => taken.has(cell))) continue;
    taken.add(`${column} ${row}`);
    names.push({ card, x, y });
    if (names.length === most) break;
  }
  return names;
}

function candidates(scene: Scene, marks: Marks, camera: Camera, size: Size): number[] {
  const worth = (card: number): number => {
    if (card === marks.selected) return 1e9;
    const bright = marks.bright?.has(card) === true ? 1e6 : 0;
    const standing = scene.standing[card];
    return bright + (standing === 'failing' || standing === 'late' ? 1e3 : 0) + scene.weight[card]!;
  };
  const found: { readonly card: number; readonly worth: number }[] = [];
  let least = 2;
  scene.cards.within(
    {
      left: camera.x,
      top: camera.y,
      right: camera.x + size.width / camera.scale,
      bottom: camera.y + size.height / camera.scale,
    },
    (card) => {
      const value = worth(card);
      if (value < least) return;
      found.push({ card, worth: value });
      if (found.length < tried * 4) return;
      found.sort((a, b) => b.worth - a.worth || a.card - b.card);
      found.length = tried;
      least = found.at(-1)!.worth;
    },
  );
  found.sort((a, b) => b.worth - a.worth || a.card - b.card);
  return found.slice(0, tried).map(({ card }) => card);
}
