/** HTTP for every room that fetches: addresses in messages, and the statuses that a retry may change. */

/** Statuses worth a retry: timeouts, too many requests, a restarting server. */
export const TRANSIENT_STATUSES: readonly number[] = [408, 425, 429, 500, 502, 503, 504];

const SHOWN_ADDRESS = 200;

/** The address without its query, which may contain a secret. */
export function plainAddress(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** The same for messages, cut to a readable length. */
export function addressText(url: URL): string {
  const text = plainAddress(url);
  return text.length <= SHOWN_ADDRESS ? text : `${text.slice(0, SHOWN_ADDRESS - 3)}...`;
}
