// npm run build: the library in dist/lib, the site in dist/site, and how large they are.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { hashOf, isStamped } from "./fresh.mjs";
import { buildLibrary, bundleOwnWorker, libraryFolder, NO_TIMING_HINTS, root, WORKER_SCRIPT } from "./library.mjs";

/**
 * What the engine may weigh for a page that loads it, brotli, without the packages that it imports: a tenth of a second
 * on a slow line.
 */
const LIBRARY_BUDGET_BYTES = 100_000;

/**
 * The same for a page with the element: its script and the worker's, without the packages that read tokenizers. 18 kB of it
 * are shaders, 9 the texts of errors, 6 Lit, 4 marked; no module of ours is more than 2. 100 kB were aimed at. What was tried
 * and would not get there together: terser 1.1 kB, shaders without white space 0.8, with names of one letter 2.7, all property
 * names of one letter, which nobody could trust, 1.9.
 */
const ELEMENT_BUDGET_BYTES = 110_000;

/** The element's script. */
const DEFINE = `${libraryFolder}/element/define.js`;

export const siteFolder = `${root}dist/site`;
const siteStamp = `${root}dist/site.stamp`;

/** @param {string[]} args */
export async function run(args) {
  if (args.length > 0) throw new Error(`unexpected ${args[0]}; this command takes no options`);
  const entries = Object.entries(await buildLibrary()).map(([name, files]) => ({
    name: `lib/${name}.js`,
    ...sizes(files.map((file) => `${libraryFolder}/${file}`)),
  }));
  const script = `${WORKER_SCRIPT.name}.js`;
  const worker = { name: `lib/${script} (all of it)`, ...sizes([`${libraryFolder}/${script}`]) };
  const all = { name: "element and worker, all of it", ...sizes([`${libraryFolder}/${script}`, DEFINE]) };
  const element = { name: "the same without tokenizers'", ...(await elementSize()) };
  await buildSite();
  const assets = readdirSync(siteFolder, { recursive: true, encoding: "utf8" });
  const code = assets.filter((name) => /\.(js|css|html)$/.test(name)).map((name) => `${siteFolder}/${name}`);
  for (const { name, raw, brotli } of [
    ...entries,
    worker,
    all,
    element,
    { name: "site (html, css, js)", ...sizes(code) },
  ])
    console.log(`${name.padEnd(32)} ${kilobytes(raw)} raw ${kilobytes(brotli)} brotli`);
  const heavy = entries.find(({ brotli }) => brotli > LIBRARY_BUDGET_BYTES);
  if (heavy)
    throw new Error(`${heavy.name} weighs ${heavy.brotli} bytes (brotli), its budget is ${LIBRARY_BUDGET_BYTES}`);
  if (element.brotli > ELEMENT_BUDGET_BYTES)
    throw new Error(
      `a page with the element loads ${element.brotli} bytes (brotli) beside the tokenizers' packages, its budget is ${ELEMENT_BUDGET_BYTES}`,
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

/** Builds dist/site unless it is that of the sources. */
export async function ensureSite() {
  if (!isStamped(siteStamp, siteHash())) await buildSite();
}

async function buildSite() {
  const { build } = await import("vite");
  const hash = siteHash();
  // Tests start this with a value of their own, with which Vite would make a site for development.
  process.env.NODE_ENV = "production";
  await build({
    root,
    configFile: `${root}vite.config.ts`,
    logLevel: "warn",
    build: { rolldownOptions: { checks: NO_TIMING_HINTS } },
  });
  writeFileSync(siteStamp, hash);
}

/** What a page with the element loads, without the packages that read tokenizers. The library is built. */
export async function elementSize() {
  const folder = mkdtempSync(join(tmpdir(), "fovea-size-"));
  try {
    return sizes([await bundleOwnWorker(folder), DEFINE]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param {string[]} files */
function sizes(files) {
  const contents = files.map((file) => readFileSync(file));
  /** @param {Buffer[]} buffers */
  const sum = (buffers) => buffers.reduce((total, { byteLength }) => total + byteLength, 0);
  return { raw: sum(contents), brotli: sum(contents.map((bytes) => brotliCompressSync(bytes))) };
}

/** @param {number} bytes */
function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(1).padStart(8)} kB`;
}
