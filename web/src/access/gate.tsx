/**
 * Shows the pages to who is logged in, and the log-in page to everybody else. If a session ends in the middle,
 * the pages stay as they are behind it, with what was typed, and come back after the log-in.
 */

import { useQuery } from '@tanstack/react-query';
import { Activity, type ReactNode } from 'react';
import { Redirect, useLocation, useSearch } from 'wouter';
import { meQuery } from '../data/queries.ts';
import { useSignedOut } from '../data/session.ts';
import { LogInPage } from '../log-in/page.tsx';

/** The server sends browsers here whose log-in it refused. */
const refusedPath = '/log-in';

export function Gate({ children }: { readonly children: ReactNode }) {
  const me = useQuery(meQuery);
  const isOut = useSignedOut() !== null;
  const [path] = useLocation();
  const search = useSearch();
  // An empty page for a moment, rather than pages without data.
  if (me.isPending && !isOut) return null;
  const known = me.data ?? null;
  if (path === refusedPath) {
    if (isOut || search !== '') return <LogInPage known={known} isOut={isOut} />;
    return <Redirect to="/" replace />;
  }
  return (
    <>
      {(known !== null || !isOut) && (
        <Activity key={known === null ? '' : `${known.kind} ${known.id}`} mode={isOut ? 'hidden' : 'visible'}>
          {children}
        </Activity>
      )}
      {isOut && <LogInPage known={known} isOut />}
    </>
  );
}
