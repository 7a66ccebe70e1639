/** Why a log-in was refused, in words. The address has the code only: words in it could be anybody's. */

const words = new Map(
  Object.entries({
    UNAUTHENTICATED:
      'The log-in was not completed. It took too long, began in another browser, or its link was used before. Begin again.',
    FORBIDDEN:
      'The identity provider knows you, but you have no role here. Ask an administrator of this installation for one.',
    PROVIDER_UNAVAILABLE:
      'The identity provider does not respond. Try again in a minute, or log in with a token.',
    NOT_FOUND: 'This installation has no identity provider. Log in with a token.',
  }),
);

/** `leftS`: how long to wait. Null: no longer. */
export function refusalWords(code: string | null, leftS: number | null): string {
  if (code === 'TOO_MANY_ATTEMPTS')
    return `There were too many attempts with wrong credentials. ${leftS === null ? 'Try again.' : `Try again in ${leftS} s.`}`;
  return words.get(code ?? '') ?? 'The log-in failed. Begin again.';
}
