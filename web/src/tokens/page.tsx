/** The API tokens: who has which rights by them, when they were last used, and when they end. */

import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { WireNewToken, WireToken } from '../../../src/api/wire/access.ts';
import { useMayAll } from '../access/may.ts';
import { bindingWords, needsRole } from '../access/words.ts';
import { revokeToken } from '../actions/requests.ts';
import { useAction } from '../actions/use-action.ts';
import { tokensQuery } from '../data/queries.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Icon } from '../parts/icon.tsx';
import { Instant, Relative } from '../parts/instant.tsx';
import { useNow } from '../parts/now.ts';
import { usePageTitle } from '../parts/page-title.ts';
import { Pager } from '../parts/pager.tsx';
import { ReadProblem } from '../parts/problem-note.tsx';
import { useQueryState } from '../parts/query-state.ts';
import { TableScroll } from '../parts/table-scroll.tsx';
import { CreateDialog } from './create-dialog.tsx';
import { NewTokenDialog } from './new-token-dialog.tsx';
import './tokens.css';

const pageSize = 100;

export default function TokensPage() {
  usePageTitle('Tokens');
  const mayAdmin = useMayAll('admin');
  return (
    <main className="page" id="main" tabIndex={-1}>
      {mayAdmin ? (
        <Tokens />
      ) : (
        <>
          <h1>Tokens</h1>
          <p className="callout">{needsRole('This page', 'admin', null)}</p>
        </>
      )}
    </main>
  );
}

function Tokens() {
  const [parameters, change] = useQueryState();
  const cursor = parameters.get('cursor');
  const { data, error } = useQuery(tokensQuery({ limit: pageSize, cursor }));
  const [isCreating, setCreating] = useState(false);
  const [made, setMade] = useState<WireNewToken | null>(null);
  return (
    <>
      <div className="page-head">
        <h1>Tokens</h1>
        <div className="actions">
          <button type="button" className="button button-primary" onClick={() => setCreating(true)}>
            <Icon name="key" /> Create token
          </button>
        </div>
      </div>
      <p className="muted">
        Programs log in with a token. A token is a password: whoever has it has its roles, until it expires or
        is revoked.
      </p>
      <ReadProblem error={error} shown={data !== undefined} />
      <section className="panel" aria-label="Tokens">
        {data === undefined ? (
          error === null && <div className="table-pending" />
        ) : data.items.length === 0 ? (
          <p className="empty tokens-none">There are no tokens yet.</p>
        ) : (
          <TokenTable tokens={data.items} />
        )}
        <Pager cursor={cursor} next={data?.next ?? null} onTurn={(to) => change({ cursor: to })} />
      </section>
      {isCreating && (
        <CreateDialog
          onClose={() => setCreating(false)}
          onMade={(token) => {
            setCreating(false);
            setMade(token);
          }}
        />
      )}
      {made !== null && <NewTokenDialog token={made} onClose={() => setMade(null)} />}
    </>
  );
}

const TokenTable = ({ tokens }: { readonly tokens: readonly WireToken[] }) => (
  <TableScroll>
    <table className="table stacked tokens">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Roles</th>
          <th scope="col">Last use</th>
          <th scope="col">Expires</th>
          <th scope="col">Created</th>
          <th scope="col">
            <span className="visually-hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {tokens.map((token) => (
          <TokenRow key={token.id} token={token} />
        ))}
      </tbody>
    </table>
  </TableScroll>
);

function TokenRow({ token }: { readonly token: WireToken }) {
  const [isRevoking, setRevoking] = useState(false);
  const { id, name, bindings, usedAt, usedFrom, createdAt, createdBy } = token;
  return (
    <tr>
      <td>
        <strong>{name}</strong>
        <div className="muted mono">{id}</div>
      </td>
      <td data-label="Roles">
        <ul className="token-roles">
          {bindings.map((binding) => (
            <li key={JSON.stringify(binding)}>{bindingWords(binding)}</li>
          ))}
        </ul>
      </td>
      <td data-label="Last use">
        {usedAt === null ? (
          <span className="muted">never</span>
        ) : (
          <>
            <Relative at={usedAt} />
            {usedFrom !== null && <span className="muted"> from {usedFrom}</span>}
          </>
        )}
      </td>
      <td data-label="Expires" className="nowrap">
        <Expiry at={token.expiresAt} />
      </td>
      <td data-label="Created">
        <Relative at={createdAt} /> <span className="muted">by {createdBy}</span>
      </td>
      <td className="token-actions">
        <button
          type="button"
          className="button button-small button-danger"
          aria-label={`Revoke ${name}`}
          onClick={() => setRevoking(true)}
        >
          Revoke
        </button>
        {isRevoking && <RevokeDialog token={token} onClose={() => setRevoking(false)} />}
      </td>
    </tr>
  );
}

function Expiry({ at }: { readonly at: string | null }) {
  const now = useNow();
  if (at === null) return <span className="muted">never</span>;
  if (Date.parse(at) > now) return <Instant at={at} />;
  return (
    <span className="tone-fail">
      expired <Relative at={at} />
    </span>
  );
}

interface RevokeProps {
  readonly token: WireToken;
  readonly onClose: () => void;
}

function RevokeDialog({ token: { id, name, usedAt, usedFrom }, onClose }: RevokeProps) {
  const revoke = useAction({
    run: () => revokeToken(id),
    said: () => ({ tone: 'good', text: `The token ${name} is revoked.` }),
    onDone: onClose,
  });
  return (
    <Dialog
      title={`Revoke ${name}`}
      doing="Revoke"
      danger
      closing="Keep it"
      busy={revoke.isPending}
      error={revoke.error}
      onDo={() => revoke.mutate()}
      onClose={onClose}
    >
      <ul className="consequences">
        <li>Every node refuses it at once. This cannot be undone.</li>
        <li>
          {usedAt === null ? (
            'It was never used.'
          ) : (
            <>
              It was last used <Relative at={usedAt} />
              {usedFrom !== null && ` from ${usedFrom}`}.
            </>
          )}
        </li>
      </ul>
    </Dialog>
  );
}
