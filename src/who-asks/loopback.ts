/** Names of this host that lead nowhere else. */

/** A host name that means this host, as in URLs and in `Host`: with or without a port, IPv6 also without brackets. */
export const isLoopbackHost = (host: string | undefined): boolean =>
  /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]|::1)(?::\d{1,5})?$/i.test(host ?? '');
