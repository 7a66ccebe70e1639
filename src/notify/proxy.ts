/**
 * Proxies between this node and receivers over HTTP: that of the receiver, or else those in the environment, as other
 * programs read them. Requests with https: go through a tunnel (CONNECT). A proxy's address may have a login.
 */

import { type Dispatcher, EnvHttpProxyAgent, ProxyAgent } from 'undici';
import { failed } from './problem.ts';
import type { ReceiverParts } from './receiver.ts';
import type { ProxySettings } from './schema.ts';
import { isUrl, readUrl } from './secret.ts';

/** Plain requests have the whole address in them, because few proxies allow a tunnel for those. */
const proxyTunnel = false;

/** Address of the receiver's own proxy. Null: those of the environment. */
export const proxyOf = async ({ proxy, proxyFile }: ProxySettings): Promise<string | null> =>
  proxyFile === undefined ? (proxy ?? null) : await readUrl(proxyFile);

export interface Way {
  /** Null: directly. To be destroyed after use. */
  readonly dispatcher: Dispatcher | null;
  /** Addresses of the proxies, which may be secrets except their hosts. */
  readonly proxies: readonly URL[];
}

export function wayTo(proxy: string | null, environment: ReceiverParts['environment']): Way {
  if (proxy !== null)
    return { dispatcher: new ProxyAgent({ uri: proxy, proxyTunnel }), proxies: [new URL(proxy)] };
  const httpProxy = addressIn(environment, 'HTTP_PROXY');
  const httpsProxy = addressIn(environment, 'HTTPS_PROXY');
  if (httpProxy === '' && httpsProxy === '') return { dispatcher: null, proxies: [] };
  const noProxy = environment.no_proxy ?? environment.NO_PROXY ?? '';
  return {
    dispatcher: new EnvHttpProxyAgent({ httpProxy, httpsProxy, noProxy, proxyTunnel }),
    proxies: [httpProxy, httpsProxy].filter((url) => url !== '').map((url) => new URL(url)),
  };
}

/** As curl reads it: in small letters first, and without a scheme it is http. */
function addressIn(environment: ReceiverParts['environment'], name: string): string {
  const text = environment[name.toLowerCase()] ?? environment[name] ?? '';
  const url = text === '' || text.includes('://') ? text : `http://${text}`;
  if (url === '' || isUrl(url)) return url;
  throw failed(`${name} in the environment is not an address of a proxy. Allowed: an http or https URL.`);
}
