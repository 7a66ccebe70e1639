/**
 * The log-in: at the identity provider, or with a token. It stands in front of the page that the user wanted,
 * at the same address, so that they are there afterwards.
 */

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { Link, useLocation, useSearchParams } from 'wouter';
import type { WireMe } from '../../../src/api/wire/access.ts';
import { takeIn } from '../access/session.ts';
import { address, problemOf, Refusal, send } from '../data/client.ts';
import { logInOptionsQuery } from '../data/queries.ts';
import { wholeIn } from '../parts/address-values.ts';
import { Icon } from '../parts/icon.tsx';
import { useNow } from '../parts/now.ts';
import { usePageTitle } from '../parts/page-title.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { refusalWords } from './words.ts';
import './log-in.css';

const dayS = 86_400;

interface Props {
  /** Who was logged in before. Null: nobody in this tab. */
  readonly known: WireMe | null;
  /** False: a log-in was refused, but the user is known without it. */
  readonly isOut: boolean;
}

export function LogInPage({ known, isOut }: Props) {
  usePageTitle('Log in');
  const { data, error } = useQuery(logInOptionsQuery);
  const [parameters] = useSearchParams();
  const [path] = useLocation();
  const isRefused = path === '/log-in';
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  if (data === undefined && error === null) return null;
  return (
    <main className="log-in" id="main">
      <img src="/icon.svg" width="40" height="40" alt="" />
      <h1 ref={heading} tabIndex={-1}>
        {isOut ? 'Log in to Carillon' : 'The log-in was refused'}
      </h1>
      {isRefused && (
        <Refused code={parameters.get('refused')} waitS={wholeIn(parameters.get('wait'), 0, dayS)} />
      )}
      {!isRefused && known !== null && (
        <p className="callout callout-late" role="status">
          Your session has ended. Log in again to continue where you were. What you typed is still there.
        </p>
      )}
      {error !== null && <ProblemNote error={error} />}
      {data?.provider != null && (
        <a className="button button-primary" href={address('/login', { to: here() })}>
          Continue with {data.provider}
        </a>
      )}
      <TokenForm isOnlyWay={data?.provider == null} />
      {isOut ? (
        <OnTheHost />
      ) : (
        <p>
          <Link href="/">Continue as {known?.name ?? 'before'}</Link>
        </p>
      )}
    </main>
  );
}

/** The page to return to. The server accepts only paths of its own. */
const here = (): string =>
  location.pathname === '/log-in' ? '/' : `${location.pathname}${location.search}${location.hash}`;

function Refused({ code, waitS }: { readonly code: string | null; readonly waitS: number | null }) {
  const [at] = useState(Date.now);
  const left = useSecondsUntil(waitS === null ? null : at + waitS * 1_000);
  return (
    <p className="callout callout-fail" role="alert">
      {refusalWords(code, left)}
    </p>
  );
}

function TokenForm({ isOnlyWay }: { readonly isOnlyWay: boolean }) {
  const [token, setToken] = useState('');
  const [until, setUntil] = useState<number | null>(null);
  const client = useQueryClient();
  const [path, navigate] = useLocation();
  const logIn = useMutation({
    mutationFn: async () => {
      await send('POST', '/login/token', { body: { token: token.trim() } });
      if (path === '/log-in') navigate('/', { replace: true });
      await takeIn(client);
    },
    onError: (error) => {
      const { waitS } = error instanceof Refusal ? error : { waitS: null };
      setUntil(waitS === null ? null : Date.now() + waitS * 1_000);
    },
  });
  const left = useSecondsUntil(until);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (token.trim() !== '' && !logIn.isPending && left === null) logIn.mutate();
  };
  return (
    <form onSubmit={submit}>
      <div className="field">
        <label htmlFor="token">Token</label>
        <input
          id="token"
          className="input mono"
          type="password"
          autoComplete="current-password"
          spellCheck={false}
          placeholder="carillon_…"
          aria-invalid={logIn.error !== null}
          aria-describedby="token-hint"
          value={token}
          onChange={({ target }) => setToken(target.value)}
        />
        <p className="field-hint" id="token-hint">
          An administrator creates tokens, on the page Tokens or with <code>carillon token create</code>.
        </p>
      </div>
      {logIn.error !== null && (
        <p className="field-error" role="alert">
          <Icon name="alert" /> {tokenProblem(logIn.error, left)}
        </p>
      )}
      <button
        type="submit"
        className={isOnlyWay ? 'button button-primary' : 'button'}
        disabled={token.trim() === '' || logIn.isPending || left !== null}
      >
        {logIn.isPending ? 'Logging in …' : 'Log in with the token'}
      </button>
    </form>
  );
}

/** The wait is counted down, so it is not the one that the server named. */
function tokenProblem(error: unknown, left: number | null): string {
  const { code, detail } = problemOf(error);
  return code === 'TOO_MANY_ATTEMPTS' ? refusalWords(code, left) : detail;
}

/** Null: it is over, or there is none. */
function useSecondsUntil(until: number | null): number | null {
  const now = useNow();
  const left = until === null ? 0 : Math.ceil((until - now) / 1_000);
  return left > 0 ? left : null;
}

const OnTheHost = () => (
  <details>
    <summary>You are on the host of the server</summary>
    <p className="muted">
      The system user that runs the server needs no log-in at <code>http://127.0.0.1</code> with the port of
      the server. Where the system cannot tell who connects, the server prints a link when it starts: it logs
      this browser in, once, within ten minutes.
    </p>
  </details>
);
