/** Commands about access: tokens, keys, sessions, and lines of the audit from outside of the core. */

import { CarillonError } from '../../../errors.ts';
import { type Binding, bytesOfBindings, grants, maxBindingsBytes, roles } from '../../access/principal.ts';
import type { AccessCommand, CommandAnswers } from '../../command.ts';
import { shorten } from '../../job/schema/explain.ts';
import { utf8Length } from '../../job/texts.ts';
import type { SigningKey, Token } from '../../model/token.ts';
import type { State } from '../../state/state.ts';
import type { Turn } from '../../state/turn.ts';
import { noted, noteLine } from './audit.ts';

const MAX_TOKENS = 10_000;
const MAX_BINDINGS = 20;
const MAX_LABELS = 20;
/** An end of sessions is of no use after so long: no session is as old. */
const KEEP_ENDS_MS = 86_400_000;
const MAX_ENDS = 10_000;
/** In place of an id, of which sessions to end. */
export const everybody = '*';
const MAX_KEYS = 2;
const MAX_USES = 1_000;
const MAX_LINES = 100;
const MAX_EXPIRY_MS = 10 * 366 * 86_400_000;

type Kind = AccessCommand['kind'];
type Check<K extends Kind> = (
  before: { readonly state: State; readonly now: number },
  command: Extract<AccessCommand, { kind: K }>,
) => (turn: Turn) => CommandAnswers[K];

export const accessCommands: { readonly [K in Kind]: Check<K> } = {
  'create-token'({ state, now }, { kind: _, by, ...asked }) {
    checkToken(asked, now);
    refuseTaken(state, asked);
    const token: Token = { ...asked, createdAt: now, createdBy: by, usedAt: null, usedFrom: null };
    return (turn) => {
      state.tokens.set(token.id, token);
      turn.draft.token(token);
      noted(turn, { on: token.id, after: shownToken(token) });
      return token;
    };
  },
  'revoke-token'({ state }, { id }) {
    const token = state.tokens.get(id);
    if (token === undefined)
      throw new CarillonError('TOKEN_NOT_FOUND', `There is no token with the id '${shorten(id)}'.`, {
        field: 'id',
        value: shorten(id),
      });
    return (turn) => {
      state.tokens.delete(id);
      turn.draft.tokenRemoved(id);
      noted(turn, { on: id, before: shownToken(token) });
      return token;
    };
  },
  'note-use'({ state }, { uses }) {
    atMost('uses', uses, MAX_USES);
    return ({ draft }) => {
      for (const { id, at, from } of uses) {
        const token = state.tokens.get(id);
        if (token === undefined || at <= (token.usedAt ?? Number.NEGATIVE_INFINITY)) continue;
        const used = { ...token, usedAt: at, usedFrom: from };
        state.tokens.set(id, used);
        draft.token(used);
      }
      return null;
    };
  },
  'add-key'({ state, now }, { id, secret }) {
    checkForm('id', id, /^[A-Za-z0-9_-]{1,64}$/, '1 to 64 letters, digits, _ and -');
    if (!/^[A-Za-z0-9_-]{43}$/.test(secret)) throw invalid('secret', '***', '32 bytes in base64url');
    return (turn) => {
      if (state.keys.has(id)) return newestKeys(state);
      const key = { id, secret, createdAt: now };
      // Also if the clock was set back: the newest signs.
      const newest = newestKeys(state)[0]?.createdAt ?? now;
      const added = { ...key, createdAt: Math.max(now, newest + 1) };
      state.keys.set(id, added);
      turn.draft.signingKey(added);
      for (const old of newestKeys(state).slice(MAX_KEYS)) {
        state.keys.delete(old.id);
        turn.draft.signingKeyRemoved(old.id);
      }
      noted(turn, { on: id });
      return newestKeys(state);
    };
  },
  'end-sessions'({ state, now }, { id }) {
    checkText('id', id, 256);
    // The end of all sessions has those of others in it.
    const before = id === everybody ? now : now - KEEP_ENDS_MS;
    const outdated = [...state.sessionsEnd].filter(([old, at]) => old !== id && at < before);
    const isNew = id !== everybody && !state.sessionsEnd.has(id);
    if (isNew && state.sessionsEnd.size - outdated.length >= MAX_ENDS)
      throw new CarillonError('LIMIT_EXCEEDED', `${MAX_ENDS} sessions were ended lately.`, {
        field: 'id',
        allowed: '* to end the sessions of everybody',
      });
    return (turn) => {
      for (const [old] of outdated) {
        state.sessionsEnd.delete(old);
        turn.draft.sessionsEndRemoved(old);
      }
      const end = { id, at: Math.max(now, state.sessionsEnd.get(id) ?? now) };
      state.sessionsEnd.set(id, end.at);
      turn.draft.sessionsEnd(end);
      noted(turn, { on: id });
      return end;
    };
  },
  note(_, { lines }) {
    atMost('lines', lines, MAX_LINES);
    return (turn) => {
      for (const line of lines) noteLine(turn, line);
      return null;
    };
  },
};

export const newestKeys = ({ keys }: State): readonly SigningKey[] =>
  [...keys.values()].sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));

export const endOfSessions = ({ sessionsEnd }: State, id: string): number =>
  Math.max(
    sessionsEnd.get(id) ?? Number.NEGATIVE_INFINITY,
    sessionsEnd.get(everybody) ?? Number.NEGATIVE_INFINITY,
  );

/** What the audit says of a token. */
const shownToken = ({ name, bindings, expiresAt }: Token): Record<string, unknown> => ({
  name,
  bindings,
  expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
});

type Asked = Pick<Token, 'id' | 'name' | 'sha256' | 'bindings' | 'expiresAt'>;

function checkToken({ id, name, sha256, bindings, expiresAt }: Asked, now: number): void {
  checkForm('id', id, /^[a-z0-9]{12}$/, '12 lower-case letters and digits');
  checkForm('sha256', sha256, /^[0-9a-f]{64}$/, 'SHA-256 in hexadecimal');
  checkText('name', name, 100);
  if (expiresAt !== null && !(expiresAt > now && expiresAt <= now + MAX_EXPIRY_MS))
    throw invalid('expiresAt', expiresAt, 'a time in the next ten years, or null');
  if (bindings.length === 0) throw invalid('bindings', [], 'at least one binding');
  atMost('bindings', bindings, MAX_BINDINGS);
  for (const [i, binding] of bindings.entries()) checkBinding(`bindings[${i}]`, binding);
  const bytes = bytesOfBindings(bindings);
  if (bytes <= maxBindingsBytes) return;
  const allowed = `at most ${maxBindingsBytes} bytes as JSON, in all`;
  throw new CarillonError('LIMIT_EXCEEDED', `bindings has ${bytes} bytes. Allowed: ${allowed}.`, {
    field: 'bindings',
    allowed,
  });
}

function checkBinding(field: string, { role, grants: granted = [], jobs, labels }: Binding): void {
  if (!roles.includes(role)) throw invalid(`${field}.role`, role, roles);
  for (const grant of granted) if (!grants.includes(grant)) throw invalid(`${field}.grants`, grant, grants);
  if (new Set(granted).size !== granted.length)
    throw invalid(`${field}.grants`, granted.join(', '), 'each grant once');
  const pattern = 'a pattern of at most 128 characters: those of names of jobs, * and ?';
  if (jobs !== undefined) checkForm(`${field}.jobs`, jobs, /^[A-Za-z0-9._*?-]{1,128}$/, pattern);
  if (labels === undefined) return;
  const pairs = Object.entries(labels);
  // For no labels it would be for everything.
  if (pairs.length === 0) throw invalid(`${field}.labels`, '{}', 'at least one label, or no labels field');
  atMost(`${field}.labels`, pairs, MAX_LABELS);
  for (const [name, value] of pairs) {
    checkText(`${field}.labels`, name, 256);
    checkText(`${field}.labels.${name}`, value, 256);
  }
}

function refuseTaken({ tokens }: State, { id, name }: Asked): void {
  for (const token of tokens.values()) {
    if (token.id !== id && token.name !== name) continue;
    const [field, value] = token.name === name ? ['name', name] : ['id', id];
    throw new CarillonError('TOKEN_EXISTS', `A token with the ${field} '${value}' already exists.`, {
      field,
      value,
      allowed: `a ${field} that no token has`,
    });
  }
  if (tokens.size < MAX_TOKENS) return;
  throw new CarillonError('LIMIT_EXCEEDED', `There are ${tokens.size} tokens already.`, {
    field: 'tokens',
    allowed: `at most ${MAX_TOKENS}: revoke some, such as those that have expired`,
  });
}

function checkText(field: string, text: string, most: number): void {
  if (text.length > 0 && utf8Length(text) <= most && !/[\p{Cc}\p{Surrogate}]/u.test(text)) return;
  throw invalid(field, text, `text of 1 to ${most} bytes without control characters`);
}

function checkForm(field: string, text: string, form: RegExp, allowed: string): void {
  if (!form.test(text)) throw invalid(field, text, allowed);
}

function atMost(field: string, values: readonly unknown[], most: number): void {
  if (values.length <= most) return;
  throw new CarillonError(
    'LIMIT_EXCEEDED',
    `${field} has ${values.length} entries. Allowed: at most ${most}.`,
    {
      field,
      allowed: `at most ${most}`,
    },
  );
}

function invalid(field: string, value: unknown, allowed: string | readonly string[]): CarillonError {
  const shown = shorten(value);
  const list = typeof allowed === 'string' ? allowed : allowed.join(', ');
  return new CarillonError('INVALID_FIELD', `${field} is ${JSON.stringify(shown)}. Allowed: ${list}.`, {
    field,
    value: shown,
    allowed,
  });
}
