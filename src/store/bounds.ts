/** How far a limit of the past is exceeded before it is enforced, so that trimming costs little per write. */
export const SLACK = 0.1;
