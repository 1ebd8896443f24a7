/**
 * The worker's rule for scripts where its site enforces Trusted Types: the grammar worker of its own origin, nothing
 * else. A page's policies do not hold in its workers.
 */

const OWN_SCRIPTS = /\/(?:fovea-)?grammar[\w.-]*\.(?:js|ts)$/;

/** The part of the browser's interface that is used here. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): unknown;
}

/** Call it once. Does nothing in browsers without Trusted Types, nor where the site allows no default policy. */
export function allowGrammarScript(): void {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  try {
    trustedTypes?.createPolicy("default", {
      createScriptURL(url) {
        const { origin, pathname, protocol } = new URL(url, location.href);
        if (protocol === "blob:" || (origin === location.origin && OWN_SCRIPTS.test(pathname))) return url;
        throw new TypeError(`${url.slice(0, 200)} is not a script of this worker`);
      },
    });
  } catch {
    // The site names other policies; if it enforces them, a format says that its worker may not start.
  }
}
