/** A text that may be long: its first lines, and the rest when asked for. */

import { useState } from 'react';

/** About three lines of a wide column; what is shorter is shown as it is. */
const shortSigns = 240;

export function Clamped({ text }: { readonly text: string }) {
  const [open, setOpen] = useState(false);
  if (text.length <= shortSigns) return text;
  return (
    <>
      <span className={open ? '' : 'clamped'}>{text}</span>{' '}
      <button type="button" className="link" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? 'Less' : 'All of it'}
      </button>
    </>
  );
}
