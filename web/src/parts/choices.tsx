/** A row of buttons, of which those that are chosen are pressed. */

interface Props<T extends string> {
  /** Of what they are. */
  readonly name: string;
  /** How they look. */
  readonly className: string;
  /** Keys, and the words for people. */
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
