/** A long text: its first lines, and the rest on request. */

import { useState } from 'react';

/** About three lines of a wide column; shorter texts are shown completely. */
const shortSigns = 240;

export function Clamped({ text }: { readonly text: string }) {
  const [open, setOpen] = useState(false);
  if (text.length <= shortSigns) return text;
  return (
    <>
      <span className={open ? '' : 'clamped'}>{text}</span>{' '}
      <button type="button" className="link" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? 'Show less' : 'Show all'}
      </button>
    </>
  );
}
