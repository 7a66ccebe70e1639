/** From page to page of a list that has no end: on to what is older, and back to the newest. */

interface Props {
  /** Where the shown page begins; null: at the newest. */
  readonly cursor: string | null;
  /** Where the next page begins; null: there is none. */
  readonly next: string | null;
  readonly onTurn: (cursor: string | null) => void;
}

export const Pager = ({ cursor, next, onTurn }: Props) =>
  cursor === null && next === null ? null : (
    <div className="pager">
      {cursor !== null && (
        <button type="button" className="button button-small" onClick={() => onTurn(null)}>
          To the newest
        </button>
      )}
      {next !== null && (
        <button type="button" className="button button-small" onClick={() => onTurn(next)}>
          Older
        </button>
      )}
    </div>
  );
