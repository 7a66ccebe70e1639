/** One button that cycles through system, light and dark. */

import { useState } from 'react';
import { Icon } from '../parts/icon.tsx';
import { chooseTheme, chosenTheme, type Theme, themes } from './theme.ts';

const words: Record<Theme, string> = { system: 'system', light: 'light', dark: 'dark' };
const icons = { system: 'half', light: 'sun', dark: 'moon' } as const;

export function ThemeSwitch() {
  const [theme, setTheme] = useState(chosenTheme);
  const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'system';
  const label = `Theme: ${words[theme]}. Change to ${words[next]}`;
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={label}
      title={label}
      onClick={() => {
        chooseTheme(next);
        setTheme(next);
      }}
    >
      <Icon name={icons[theme]} />
    </button>
  );
}
