/** Navigates an endless list: to older entries, and back to the newest. */

interface Props {
  /** Start of the displayed page. Null: the newest. */
  readonly cursor: string | null;
  /** Start of the next page. Null: there is none. */
  readonly next: string | null;
  readonly onTurn: (cursor: string | null) => void;
}

export const Pager = ({ cursor, next, onTurn }: Props) =>
  cursor === null && next === null ? null : (
    <div className="pager">
      {cursor !== null && (
        <button type="button" className="button button-small" onClick={() => onTurn(null)}>
          Newest
        </button>
      )}
      {next !== null && (
        <button type="button" className="button button-small" onClick={() => onTurn(next)}>
          Older
        </button>
      )}
    </div>
  );
