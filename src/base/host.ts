/** A host name or an address as the part of a URL or of `host:port`: IPv6 in brackets. */
export const hostPart = (host: string): string => (host.includes(':') ? `[${host}]` : host);
