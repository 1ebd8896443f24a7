// Makes the site an app that can be installed and that starts without a network: its manifest, and a service worker that
// keeps every file of the build. Weights are not among them: the engine keeps those itself, with their hashes.
import { VitePWA } from "vite-plugin-pwa";

/** Files of the build that the service worker keeps: all but what the engine stores, and what it is made of itself. */
const KEPT = ["**/*.{html,js,css,svg,png,webp}"];
const NOT_KEPT = ["fovea-demo/**", "sw.js"];
/** Above this a file is a mistake: nothing of the page weighs more. */
const MAX_FILE_BYTES = 4_000_000;

/** The plugins for Vite's build. */
export function offlineApp() {
  return VitePWA({
    // A new version waits until the user agrees: until then a page gets all of its files from the version it began with.
    registerType: "prompt",
    injectRegister: false,
    manifest: {
      name: "Fovea",
      short_name: "Fovea",
      description: "Ask a vision-language model about a picture, in this browser.",
      id: "./",
      start_url: "./",
      scope: "./",
      display: "standalone",
      background_color: "#f5f4f0",
      theme_color: "#1c1b3a",
      icons: [
        { src: "icon.svg", sizes: "any", type: "image/svg+xml" },
        { src: "icon-192.png", sizes: "192x192", type: "image/png" },
        { src: "icon-512.png", sizes: "512x512", type: "image/png" },
        { src: "icon-512.png", sizes: "512x512", type: "image/png", purpose: "maskable" },
      ],
    },
    includeManifestIcons: false,
    workbox: {
      globPatterns: KEPT,
      globIgnores: NOT_KEPT,
      maximumFileSizeToCacheInBytes: MAX_FILE_BYTES,
      cleanupOutdatedCaches: true,
      clientsClaim: false,
      skipWaiting: false,
      // The page is the page, whichever model its address asks for; addresses of other pages are not ours.
      ignoreURLParametersMatching: [/./],
      navigateFallback: null,
      inlineWorkboxRuntime: true,
      sourcemap: false,
      mode: "production",
    },
  });
}
