/** Job names as links: the first few, and the number of further ones. */

import { Fragment } from 'react';
import { Link } from 'wouter';

/** More names are unreadable. */
const shown = 8;

export const Names = ({ names }: { readonly names: readonly string[] }) => (
  <span className="names">
    {names.slice(0, shown).map((name, i) => (
      <Fragment key={name}>
        {i > 0 && ', '}
        <Link href={`/jobs/${name}`}>{name}</Link>
      </Fragment>
    ))}
    {names.length > shown && ` and ${names.length - shown} more`}
  </span>
);
