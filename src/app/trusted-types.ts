/**
 * The page's rule for scripts where Trusted Types are enforced: its workers for models and for PDFs, and its service
 * worker. Text never becomes HTML or code. Bundlers find a worker by `new Worker(new URL(...))`, so its address cannot
 * be wrapped there.
 */

const OWN_SCRIPTS = /\/(?:sw|(?:assets\/)?(?:fovea|pdf)-worker[\w.-]*)\.(?:js|ts)$/;

/** The part of the browser's interface that is used here. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): unknown;
}

/** Call it once, before a worker starts. Does nothing in browsers without Trusted Types. */
export function allowOwnScripts(): void {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  trustedTypes?.createPolicy("default", {
    createScriptURL(url) {
      const { origin, pathname } = new URL(url, document.baseURI);
      if (origin === location.origin && OWN_SCRIPTS.test(pathname)) return url;
      throw new TypeError(`${url.slice(0, 200)} is not a script of this page`);
    },
  });
}
