// npm run build: builds the library in dist/lib and the site in dist/site, and prints their sizes.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { asksForHelp, printHelp } from "./command-line.mjs";
import { hashOf, isStamped } from "./fresh.mjs";
import {
  buildLibrary,
  bundleEngine,
  bundleOwnWorker,
  ENGINE_MODULE,
  libraryFolder,
  NO_TIMING_HINTS,
  root,
} from "./library.mjs";

/**
 * Largest bundle of a page with `import { Fovea } from "fovea"`, minified, after brotli, without the packages that the
 * library imports. A family and a weight format are loaded with the first model of their kind and do not count: all of
 * them together were 45 kB more. The readable modules of dist/lib compress to a third more, which no page loads.
 */
const ENGINE_BUDGET_BYTES = 145_000;

/**
 * The same for a page with the element: its script and its worker's first files, without the packages that read
 * tokenizers. The target of 150 kB is missed: 30 kB are the element, 143 the worker. The parser of Markdown (12 kB),
 * hub listings, inspection, formats and WebP's orientation are loaded when first used. 22 kB are shaders; those of rare
 * layers are 5. These savings are small: terser 1.1 kB, shaders without white space 0.8, with one-letter names 2.7,
 * one-letter property names, which are risky, 1.9.
 */
const ELEMENT_BUDGET_BYTES = 175_000;

/** The element's script. */
const DEFINE = `${libraryFolder}/element/define.js`;

export const siteFolder = `${root}dist/site`;
const siteStamp = `${root}dist/site.stamp`;

const HELP = `Builds the library in dist/lib and the site in dist/site, and prints their sizes.

  npm run build
`;

/** @param {string[]} args */
export async function run(args) {
  if (asksForHelp(args)) return printHelp(HELP);
  if (args.length > 0) throw new Error(`unexpected ${args[0]}; this command has no options`);
  const entries = Object.entries(await buildLibrary()).map(([name, files]) => ({
    name: `lib/${name}.js`,
    ...sizes(files.map((file) => `${libraryFolder}/${file}`)),
  }));
  const script = `${ENGINE_MODULE.name}.js`;
  const worker = { name: `lib/${script} (worker)`, ...sizes([`${libraryFolder}/${script}`]) };
  const all = { name: "element and worker, all of it", ...sizes([`${libraryFolder}/${script}`, DEFINE]) };
  const engine = { name: "import { Fovea }, minified", ...(await sizeOf(bundleEngine)) };
  const element = { name: "the same without tokenizers'", ...(await elementSize()) };
  await buildSite();
  const assets = readdirSync(siteFolder, { recursive: true, encoding: "utf8" });
  const code = assets.filter((name) => /\.(js|css|html)$/.test(name)).map((name) => `${siteFolder}/${name}`);
  for (const { name, raw, brotli } of [
    ...entries,
    engine,
    worker,
    all,
    element,
    { name: "site (html, css, js)", ...sizes(code) },
  ])
    console.log(`${name.padEnd(32)} ${kilobytes(raw)} raw ${kilobytes(brotli)} brotli`);
  if (engine.brotli > ENGINE_BUDGET_BYTES)
    throw new Error(
      `a page with Fovea loads ${engine.brotli} bytes (brotli), the limit is ${ENGINE_BUDGET_BYTES}; remove code or raise the limit`,
    );
  if (element.brotli > ELEMENT_BUDGET_BYTES)
    throw new Error(
      `a page with the element loads ${element.brotli} bytes (brotli) without the tokenizers' packages, the limit is ${ELEMENT_BUDGET_BYTES}; remove code or raise the limit`,
    );
  return 0;
}

function siteHash() {
  const paths = [
    "index.html",
    "bench.html",
    "bench/page",
    "bench/parts",
    "public",
    "src",
    "shaders",
    "vite.config.ts",
    "tools/offline-app.mjs",
    "tools/bundle-plugins.mjs",
    "weights-manifest.json",
    "package.json",
    "package-lock.json",
  ];
  return hashOf(paths.map((path) => root + path));
}

/** Builds dist/site unless it is up to date. */
export async function ensureSite() {
  if (!isStamped(siteStamp, siteHash())) await buildSite();
}

async function buildSite() {
  const { build } = await import("vite");
  const hash = siteHash();
  // Tests set another value, with which Vite would build a development site.
  process.env.NODE_ENV = "production";
  await build({
    root,
    configFile: `${root}vite.config.ts`,
    logLevel: "warn",
    build: { rolldownOptions: { checks: NO_TIMING_HINTS } },
  });
  writeFileSync(siteStamp, hash);
}

/** The size that a page with the element loads, without the packages that read tokenizers. Expects a built library. */
export function elementSize() {
  return sizeOf(async (folder) => [...(await bundleOwnWorker(folder)), DEFINE]);
}

/** @param {(folder: string) => Promise<string[]>} bundle writes files into a folder, and returns those to weigh */
async function sizeOf(bundle) {
  const folder = mkdtempSync(join(tmpdir(), "fovea-size-"));
  try {
    return sizes(await bundle(folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param {string[]} files */
export function sizes(files) {
  const contents = files.map((file) => readFileSync(file));
  /** @param {Buffer[]} buffers */
  const sum = (buffers) => buffers.reduce((total, { byteLength }) => total + byteLength, 0);
  return { raw: sum(contents), brotli: sum(contents.map((bytes) => brotliCompressSync(bytes))) };
}

/** @param {number} bytes */
function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(1).padStart(8)} kB`;
}
