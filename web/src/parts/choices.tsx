/** A row of toggle buttons. */

interface Props<T extends string> {
  /** What the choices are about. */
  readonly name: string;
  /** CSS class. */
  readonly className: string;
  /** Keys with their labels. */
  readonly choices: readonly (readonly [T, string])[];
  readonly isChosen: (key: T) => boolean;
  readonly onChoose: (key: T) => void;
}

export const Choices = <T extends string>({ name, className, choices, isChosen, onChoose }: Props<T>) => (
  <fieldset className={className} aria-label={name}>
    {choices.map(([key, word]) => (
      <button key={key} type="button" aria-pressed={isChosen(key)} onClick={() => onChoose(key)}>
        {word}
      </button>
    ))}
  </fieldset>
);
