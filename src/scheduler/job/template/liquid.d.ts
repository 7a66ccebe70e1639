/** The build of LiquidJS without Node parts has no types of its own. */

declare module 'liquidjs/dist/liquid.browser.mjs' {
  export * from 'liquidjs';
}
