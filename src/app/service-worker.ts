/**
 * The service worker: keeps every file of this version of the page, and gives pages no others. Registered by
 * logic/offline.ts; FILES is filled in by tools/offline-app.mjs.
 */
import { cleanupOutdatedCaches, precacheAndRoute } from "workbox-precaching";

declare const FILES: { url: string; revision: string | null }[];
declare const self: EventTarget & { skipWaiting(): Promise<void> };

// The page is the page, whichever model its address asks for.
precacheAndRoute(FILES, { ignoreURLParametersMatching: [/./] });
cleanupOutdatedCaches();

// A new version waits until the user agrees: until then a page gets all of its files from the version it began with.
self.addEventListener("message", (event) => {
  if ((event as MessageEvent).data?.type === "SKIP_WAITING") void self.skipWaiting();
});
