// npm run build: builds the library in dist/lib and the site in dist/site, and prints their sizes.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { asksForHelp, printHelp } from "./command-line.mjs";
import { hashOf, isStamped } from "./fresh.mjs";
import {
  buildLibrary,
  buildLogger,
  bundleEngine,
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
 * The same for a page with the element: its script and its worker's first file. 31 kB are the element. What only some
 * models or devices need is loaded with them, and the parser of Markdown (12 kB), hub listings, inspection, formats and
 * WebP's orientation when first used. These savings are small: terser 1.1 kB, shaders without white space 0.8, with
 * one-letter names 2.7, one-letter property names, which are risky, 1.9.
 */
const ELEMENT_BUDGET_BYTES = 150_000;

/** The same with what reads tokenizers and chat templates, which a model with text loads beside its files. */
const ANSWER_BUDGET_BYTES = 190_000;

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
  const engine = { name: "import { Fovea }, minified", ...(await sizeOf(bundleEngine)) };
  const { element, answer } = pageSizes();
  await buildSite();
  const assets = readdirSync(siteFolder, { recursive: true, encoding: "utf8" });
  const code = assets.filter((name) => /\.(js|css|html)$/.test(name)).map((name) => `${siteFolder}/${name}`);
  for (const { name, raw, brotli } of [
    ...entries,
    engine,
    worker,
    { name: "element and worker", ...element },
    { name: "the same and tokenizers", ...answer },
    { name: "site (html, css, js)", ...sizes(code) },
  ])
    console.log(`${name.padEnd(32)} ${kilobytes(raw)} raw ${kilobytes(brotli)} brotli`);
  if (engine.brotli > ENGINE_BUDGET_BYTES)
    throw new Error(
      `a page with Fovea loads ${engine.brotli} bytes (brotli), the limit is ${ENGINE_BUDGET_BYTES}; remove code or raise the limit`,
    );
  if (element.brotli > ELEMENT_BUDGET_BYTES)
    throw new Error(
      `a page with the element loads ${element.brotli} bytes (brotli), the limit is ${ELEMENT_BUDGET_BYTES}; remove code or raise the limit`,
    );
  if (answer.brotli > ANSWER_BUDGET_BYTES)
    throw new Error(
      `a page with the element and a model with text loads ${answer.brotli} bytes (brotli) of code, the limit is ${ANSWER_BUDGET_BYTES}; remove code or raise the limit`,
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
    customLogger: await buildLogger(),
    build: { rolldownOptions: { checks: NO_TIMING_HINTS } },
    worker: { rolldownOptions: { checks: NO_TIMING_HINTS } },
  });
  writeFileSync(siteStamp, hash);
}

/**
 * The sizes that a page with the element loads: before a model, and with what reads the text of one. Expects a built
 * library.
 */
export function pageSizes() {
  const engine = `./${ENGINE_MODULE.name}.js`;
  const importsOf = (/** @type {string} */ file) =>
    [...readFileSync(`${libraryFolder}/${file}`, "utf8").matchAll(/from"(\.\/[^"]+)"/g)].map(([, path = ""]) => path);
  const readers = readdirSync(libraryFolder).filter((name) => /^readers-.*\.js$/.test(name));
  const files = new Set(readers.filter((name) => importsOf(name).includes(engine)));
  if (files.size !== 1) throw new Error(`${files.size} files in dist/lib read text for ${engine}, expected one`);
  for (const file of files) for (const path of importsOf(file)) if (path !== engine) files.add(path.slice("./".length));
  const element = [`${libraryFolder}/${ENGINE_MODULE.name}.js`, DEFINE];
  return {
    element: sizes(element),
    answer: sizes([...element, ...[...files].map((file) => `${libraryFolder}/${file}`)]),
  };
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
