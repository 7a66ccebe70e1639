// Sets the theme before the first paint, so that nobody at night sees a white flash. The switch is in
// src/frame/theme.ts, which keeps the choice under the same name.
(() => {
  let choice = null;
  try {
    choice = localStorage.getItem('carillon.theme');
  } catch {
    // Storage may be forbidden; the system's choice stands.
  }
  const dark =
    choice === 'dark' || (choice !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
