/** How far a bound of the past is exceeded before it is cut, so that cutting costs little per write. */
export const SLACK = 0.1;
