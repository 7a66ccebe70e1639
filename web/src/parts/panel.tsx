/** A titled box of a page. */

import { type ReactNode, useId } from 'react';

interface Props {
  readonly title: ReactNode;
  /** Content beside the title. */
  readonly aside?: ReactNode;
  readonly className?: string;
  readonly children: ReactNode;
}

export function Panel({ title, aside, className = '', children }: Props) {
  const id = useId();
  return (
    <section className={`panel ${className}`.trimEnd()} aria-labelledby={id}>
      <div className="panel-head">
        <h2 id={id}>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}
