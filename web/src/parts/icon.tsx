/** Icons on a 16 by 16 grid, in the colour of the surrounding text. They always accompany a label. */

const paths = {
  home: 'M2.5 7.2 8 2.8l5.5 4.4v6.3h-3.7V9.8H6.2v3.7H2.5Z',
  jobs: 'M2.5 4h11M2.5 8h11M2.5 12h7',
  runs: 'M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2ZM8 5v3.2l2.2 1.5',
  graph:
    'M3.7 5.5a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4ZM12.3 9.7a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4ZM3.7 13.9a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4ZM5.3 4.5l5.5 2.8M5.3 11.5l5.5-2.8',
  grid: 'M2.5 2.5h11v11h-11ZM2.5 6.2h11M2.5 9.8h11M6.2 2.5v11M9.8 2.5v11',
  plots: 'M2.5 2.5v11h11M5 10.5l2.5-3.5 2.2 2 3.3-5',
  cluster: 'M2.5 3h11v4h-11ZM2.5 9h11v4h-11ZM5 5h.01M5 11h.01',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM10.4 10.4l3.3 3.3',
  plus: 'M8 3v10M3 8h10',
  sun: 'M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6ZM8 1.3v1.4M8 13.3v1.4M1.3 8h1.4M13.3 8h1.4M3.3 3.3l1 1M11.7 11.7l1 1M3.3 12.7l1-1M11.7 4.3l1-1',
  moon: 'M13.3 9.6A5.7 5.7 0 0 1 6.4 2.7a5.7 5.7 0 1 0 6.9 6.9Z',
  half: 'M8 2.3a5.7 5.7 0 1 0 0 11.4A5.7 5.7 0 0 0 8 2.3ZM8 2.3v11.4M10 3v10M12 4.5v7',
  close: 'M4 4l8 8M12 4l-8 8',
  play: 'M5 3.3v9.4l7.5-4.7Z',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  stop: 'M4 4h8v8H4Z',
  again: 'M13 8a5 5 0 1 1-1.6-3.7M13 2.5v2.8h-2.8',
  edit: 'M3 13l.7-3L10.5 3.2l2.3 2.3L6 12.3Z',
  copy: 'M5.5 5.5h7.5v7.5H5.5ZM3 10.5V3h7.5',
  bin: 'M3 4.5h10M6.5 4.5v-2h3v2M4.3 4.5l.6 9h6.2l.6-9',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  down: 'M4 6l4 4 4-4',
  up: 'M4 10l4-4 4 4',
  right: 'M6 4l4 4-4 4',
  left: 'M10 4 6 8l4 4',
  check: 'M3 8.5l3.3 3.2L13 4.7',
  mute: 'M4 11V7.5a4 4 0 0 1 6.5-3.1M12 7.5V11M3 11h9.5M7 13.3h2M2.5 2.5l11 11',
  person: 'M8 8.2a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM2.8 13.6c.6-2.5 2.5-3.6 5.2-3.6s4.6 1.1 5.2 3.6',
  key: 'M5.2 13.2a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2ZM7.1 8.7 13 2.8M10.6 5.2l2 2',
  alert: 'M8 2.3 14.3 13H1.7ZM8 6.3v3.2M8 11.3h.01',
} as const;

export type IconName = keyof typeof paths;

export const Icon = ({ name }: { readonly name: IconName }) => (
  <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
    <path d={paths[name]} />
  </svg>
);
