/**
 * The service worker: stores every file of this version of the page and serves only those. logic/offline.ts registers it;
 * tools/offline-app.mjs fills in FILES.
 */
import { cleanupOutdatedCaches, precacheAndRoute } from "workbox-precaching";

declare const FILES: { url: string; revision: string | null }[];
declare const self: EventTarget & { skipWaiting(): Promise<void> };

// The page is the same for these parameters. Any other query may stand for another file, as in config.json?m=B.
precacheAndRoute(FILES, { ignoreURLParametersMatching: [/^model$/, /^utm_/, /^fbclid$/] });
cleanupOutdatedCaches();

// A new version waits until the user agrees, so a page gets all its files from one version.
self.addEventListener("message", (event) => {
  if ((event as MessageEvent).data?.type === "SKIP_WAITING") void self.skipWaiting();
});
