// Makes the site work offline: builds the service worker with the list of files that it stores. Weights are not among them,
// because the engine stores them itself, with their hashes. Workbox's build tool is rejected: it brings three hundred
// packages, and a bundler with binaries that not every registry has for every platform.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "vite";
import { NO_TIMING_HINTS, root } from "./library.mjs";

const SCRIPT = "sw.js";
/** Files that a page may need, except those that the engine stores. */
const KEPT = /\.(html|js|css|svg|png|webp|webmanifest)$/;
const NOT_KEPT = /^fovea-demo\/|^sw\.js$/;
/** Vite puts a content hash into these names, so a name always means the same content. */
const HASHED = /^assets\//;

/**
 * The plugin for Vite's build of the site.
 * @returns {import("vite").Plugin}
 */
export function offlineApp() {
  let folder = "";
  return {
    name: "fovea:offline-app",
    apply: "build",
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir);
    },
    async closeBundle() {
      await buildServiceWorker(folder);
    },
  };
}

/** @param {string} folder of the site */
async function buildServiceWorker(folder) {
  await build({
    root,
    configFile: false,
    publicDir: false,
    logLevel: "warn",
    define: { FILES: JSON.stringify(filesOf(folder)) },
    build: {
      outDir: folder,
      emptyOutDir: false,
      target: "es2022",
      rolldownOptions: {
        input: join(root, "src/app/service-worker.ts"),
        output: { format: "iife", entryFileNames: SCRIPT },
        checks: NO_TIMING_HINTS,
      },
    },
  });
}

/**
 * Address and revision of each stored file; null if the name contains a hash.
 * @param {string} folder
 */
function filesOf(folder) {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => name.replaceAll("\\", "/"));
  return names
    .filter((name) => KEPT.test(name) && !NOT_KEPT.test(name))
    .sort()
    .map((url) => ({ url, revision: HASHED.test(url) ? null : hashOf(join(folder, url)) }));
}

/** @param {string} file */
function hashOf(file) {
  return createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 16);
}
