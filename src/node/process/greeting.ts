/** What a server prints once it serves: where it is, and what to do next. */

/** Where the command line looks unless it is told. */
const USUAL_URL = 'http://127.0.0.1:4400';

export interface Greeting {
  readonly url: string;
  /** Where the state is kept. */
  readonly state: string;
  readonly engines: string;
  readonly jobs: number;
  /** The folder with the examples, as the command line would be told it. Null: it is not here. */
  readonly examples: string | null;
  /** Path of the link for a browser. Null: none is needed. */
  readonly link: string | null;
}

export function greeting({ url, state, engines, jobs, examples, link }: Greeting): string {
  const carillon = url === USUAL_URL ? 'carillon' : `carillon --url ${url}`;
  const first = examples === null ? `open ${url}/new` : `${carillon} apply -f ${examples}`;
  return [
    `Carillon is running at ${url}`,
    `  state    ${state}`,
    `  engines  ${engines}`,
    jobs === 0
      ? `  next     ${first}   then   ${carillon} jobs`
      : `  jobs     ${jobs}: ${carillon} jobs   or open   ${url}`,
    `           the API: ${url}/api/v1/openapi.json`,
    ...(link === null ? [] : [`  log in   ${url}${link} (once, within ten minutes, on this host)`]),
    '',
  ].join('\n');
}
