// Builds the library into dist/lib: ES modules that contain the shaders, and their declarations. Packages under
// `dependencies` stay imports, so that a page loads them once; everything else is bundled.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { markdownReader, oneStart, shaderText } from "./bundle-plugins.mjs";
import { emitDeclarations } from "./declarations.mjs";
import { MODEL_PACKAGE, writeDemoModel } from "./demo-model.mjs";
import { hashOf, isStamped } from "./fresh.mjs";
import { ownModels } from "./manifest.mjs";

/** The entries in `exports` of package.json: module in dist/lib -> source. */
export const ENTRIES = {
  index: "src/index.ts",
  openai: "src/openai/index.ts",
  worker: "src/worker/index.ts",
  remote: "src/remote/index.ts",
  react: "src/react/index.ts",
  element: "src/element/index.ts",
  "element/define": "src/element/define.ts",
};

/**
 * The entry for pages without a bundler or an import map. It contains its dependencies, like the worker's script, and both
 * are minified, because no later step does it.
 */
const STANDALONE = "element/define";

/**
 * The script that the entry "worker" starts, beside it. A worker has no import map, so the script contains its dependencies.
 */
const WORKER_SCRIPT = { name: "fovea-worker", source: "src/worker/fovea-worker.ts" };

/**
 * The module behind the worker's script, with all of the engine. Later parts import it, and not the script: development
 * servers give a script another address, under which it would run a second time.
 */
export const ENGINE_MODULE = { name: "fovea-engine", source: "src/worker/fovea-engine.ts" };

/** The script of the worker for answer formats. It contains its dependencies too. */
const GRAMMAR_SCRIPT = { name: "fovea-grammar", source: "src/grammar/grammar-worker.ts" };

/** The script that reads PDFs, with its dependency. */
export const PDF_SCRIPT = { name: "fovea-pdf", source: "src/pdf/pdf-worker.ts" };

export const root = fileURLToPath(new URL("..", import.meta.url));

export const libraryFolder = `${root}dist/lib`;
export const modelPackageFolder = `${root}dist/${MODEL_PACKAGE}`;
/** Silences the bundler's hints about the time of plugins. */
export const NO_TIMING_HINTS = { pluginTimings: false };
const stamp = `${root}dist/lib.stamp`;

/** Modules of Node that the library of answer formats imports where it runs in Node, and never in a page. */
const NODE_ONLY = /^\[plugin [^\]]*\] Module "(url|module)" has been externalized .* imported by "[^"]*web-xgrammar/;

/** Vite's logger without warnings that nobody can act on. They are a newcomer's first lines. */
export async function buildLogger() {
  const { createLogger } = await import("vite");
  const logger = createLogger("warn");
  const warn = logger.warn.bind(logger);
  logger.warn = (message, options) => {
    if (!NODE_ONLY.test(message)) warn(message, options);
  };
  return logger;
}

/** @returns {{ version: string, license: string, dependencies: Record<string, string>, peerDependencies: Record<string, string> }} */
export function readPackage() {
  return JSON.parse(readFileSync(`${root}package.json`, "utf8"));
}

function sourcesHash() {
  const paths = ["src", "shaders", "tsconfig.json", "package.json", "package-lock.json", "weights-manifest.json"];
  const tools = [
    "tools/library.mjs",
    "tools/bundle-plugins.mjs",
    "tools/declarations.mjs",
    "tools/demo-model.mjs",
    "tools/manifest.mjs",
  ];
  return hashOf([...[...paths, ...tools].map((path) => root + path), ...ownModels().map(({ folder }) => folder)]);
}

/** Builds dist/lib unless it is up to date. Throws an Error with the compiler's message. */
export async function ensureLibrary() {
  if (!isStamped(stamp, sourcesHash())) await buildLibrary();
}

/**
 * @returns {Promise<Record<keyof typeof ENTRIES, string[]>>} for each entry, all files that it loads
 */
export async function buildLibrary() {
  const hash = sourcesHash();
  // Builds in another folder and swaps, so that dist/lib stays usable during the build.
  const aside = `${root}dist/lib.${process.pid}`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  try {
    const chunks = await bundle(aside);
    shortenMaps(aside);
    emitDeclarations(root, Object.values(ENTRIES), aside);
    writeDemoModel(modelPackageFolder, readPackage());
    rmSync(stamp, { force: true });
    rmSync(libraryFolder, { recursive: true, force: true });
    renameSync(aside, libraryFolder);
    writeFileSync(stamp, hash);
    return chunks;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/**
 * Removes the text of other packages from the source maps, which halves them.
 * @param {string} outDir
 */
function shortenMaps(outDir) {
  for (const name of readdirSync(outDir, { recursive: true, encoding: "utf8" }).filter((one) => one.endsWith(".map"))) {
    const map = JSON.parse(readFileSync(`${outDir}/${name}`, "utf8"));
    const isOwn = (/** @type {string} */ source) => !source.includes("node_modules/");
    /** @type {string[]} */
    const sources = map.sources;
    map.sourcesContent = sources.map((source, index) => (isOwn(source) ? map.sourcesContent[index] : null));
    // A file without our code needs no map.
    if (!sources.some(isOwn)) map.mappings = "";
    writeFileSync(`${outDir}/${name}`, JSON.stringify(map));
  }
}

/** @param {string} outDir */
async function bundle(outDir) {
  const { [STANDALONE]: standalone, ...modules } = ENTRIES;
  const isModel = (/** @type {string} */ id) => id === MODEL_PACKAGE;
  const imports = await bundleModules(outDir, modules, { isExternal: isDependency() });
  await bundleModules(outDir, { [ENGINE_MODULE.name]: ENGINE_MODULE.source }, { minify: true, holdsShared: true });
  writeFileSync(`${outDir}/${WORKER_SCRIPT.name}.js`, `import{start}from"./${ENGINE_MODULE.name}.js";start();\n`);
  for (const { name, source } of [GRAMMAR_SCRIPT, PDF_SCRIPT])
    await bundleModules(outDir, { [name]: source }, { minify: true });
  // Lit's build for Node works the same in a page, and a server that renders the page can import it.
  const anywhere = /** @type {const} */ ({
    isExternal: isModel,
    folder: "element/",
    minify: true,
    place: "node",
    holdsShared: true,
  });
  for (const [file, names] of await bundleModules(outDir, { [STANDALONE]: standalone }, anywhere))
    imports.set(file, names);
  return /** @type {Record<keyof typeof ENTRIES, string[]>} */ (
    Object.fromEntries(Object.keys(ENTRIES).map((name) => [name, closure(imports, `${name}.js`)]))
  );
}

/**
 * The engine as a page's bundler emits it, for its size.
 * @param {string} outDir
 * @returns {Promise<string[]>} paths of all files that it loads at once
 */
export async function bundleEngine(outDir) {
  // The entry of an app exports nothing, so a bundler moves shared modules into it.
  const options = { minify: true, isExternal: isDependency(), holdsShared: true };
  const imports = await bundleModules(outDir, { engine: "src/engine/fovea.ts" }, options);
  return closure(imports, "engine.js").map((file) => `${outDir}/${file}`);
}

/**
 * Bundles a part that loads later, with all that it needs, to measure it.
 * @param {string} outDir
 * @param {string} source
 * @returns {Promise<string[]>} paths of all files that it loads at once
 */
export async function bundlePart(outDir, source) {
  const isExternal = (/** @type {string} */ id) => id === MODEL_PACKAGE;
  const imports = await bundleModules(outDir, { part: source }, { minify: true, isExternal, holdsShared: true });
  return closure(imports, "part.js").map((file) => `${outDir}/${file}`);
}

/** Recognises modules of packages that are installed with the library. */
function isDependency() {
  const { dependencies, peerDependencies } = readPackage();
  const names = [...Object.keys(dependencies), ...Object.keys(peerDependencies)];
  return (/** @type {string} */ id) => names.some((name) => id === name || id.startsWith(`${name}/`));
}

/**
 * @param {string} outDir
 * @param {Record<string, string>} entry name of the module -> source
 * @param {object} [options]
 * @param {(id: string) => boolean} [options.isExternal] modules that stay imports
 * @param {string} [options.folder] of the entry and all its parts, below the library's
 * @param {boolean} [options.minify]
 * @param {"browser" | "node"} [options.place] the builds of packages to include
 * @param {boolean} [options.holdsShared] true if the entry contains and exports the modules that its lazy parts share
 * with it
 * @returns {Promise<Map<string, string[]>>} file -> files that it imports
 */
async function bundleModules(
  outDir,
  entry,
  { isExternal = () => false, folder = "", minify = false, place = "browser", holdsShared = false } = {},
) {
  const { build } = await import("vite");
  const up = folder === "" ? "./" : "../";
  const result = await build({
    root,
    configFile: false,
    publicDir: false,
    logLevel: "warn",
    customLogger: await buildLogger(),
    plugins: [
      shaderText(),
      markdownReader(),
      withoutDocument(),
      fileAddresses(up, isExternal(MODEL_PACKAGE)),
      ...(holdsShared ? [oneStart()] : []),
    ],
    // Not the development builds, which Vite uses if NODE_ENV is "test": Lit's is twice as large, and warns.
    resolve: { conditions: ["module", place, "production"] },
    build: {
      outDir,
      emptyOutDir: false,
      target: "es2022",
      sourcemap: true,
      lib: { entry, formats: ["es"] },
      // Modules are readable and without comments: users minify them, and names help debugging.
      minify: false,
      rolldownOptions: {
        checks: NO_TIMING_HINTS,
        external: isExternal,
        // Lets a page's only script hold the modules that its later parts share with it, instead of another file.
        preserveEntrySignatures: holdsShared ? "allow-extension" : "strict",
        // All files of an entry in one folder: a worker's script has the same address from each of them.
        output: { comments: false, minify, chunkFileNames: `${folder}[name]-[hash].js`, banner: directive },
      },
    },
  });
  const output = (Array.isArray(result) ? result : [result]).flatMap((part) => ("output" in part ? part.output : []));
  return new Map(output.flatMap((file) => (file.type === "chunk" ? [[file.fileName, file.imports]] : [])));
}

/**
 * Marks modules with hooks as client code, for frameworks that render on a server.
 * @param {{ name: string }} chunk
 */
function directive({ name }) {
  return name === "react" ? '"use client";' : "";
}

/**
 * @param {Map<string, string[]>} imports
 * @param {string} entry
 */
function closure(imports, entry) {
  const found = new Set([entry]);
  for (const file of found) for (const next of imports.get(file) ?? []) if (imports.has(next)) found.add(next);
  return [...found];
}

/**
 * Finds the demo model's package by its name, if it is installed and a bundler or an import map knows it. Otherwise
 * finds it in the folder that holds this package. Bundlers treat an import in a `try` as one that may fail. They treat
 * `new URL` as a file to copy, even with a base that is a constant elsewhere.
 * @param {string} up from the module's folder to the library's
 * @param {boolean} knowsPackages true if the module can import a package by its name; a worker's script cannot
 */
function shippedPackage(up, knowsPackages) {
  const find = `try { return (await import("${MODEL_PACKAGE}")).files; } catch { return undefined; }`;
  return `export async function importShipped() { ${knowsPackages ? find : ""} }
  const here = import.meta.url;
  export const besideLibrary = (path) =>
    Reflect.construct(URL, ["${up}../../../${MODEL_PACKAGE}/" + path, here]).href;`;
}

/**
 * Addresses of the scripts beside the built modules. Each stays one expression `new URL("./file", import.meta.url)`, by
 * which users' bundlers find and copy the file.
 * @param {string} up from the module's folder to the library's
 * @param {boolean} knowsPackages as for shippedPackage
 * @returns {import("vite").Plugin}
 */
function fileAddresses(up, knowsPackages) {
  // The remark tells our own bundler to keep the expression.
  const address = (/** @type {string} */ file) => `new URL(/* @vite-ignore */ ${file}, import.meta.url)`;
  const scripts = [WORKER_SCRIPT, GRAMMAR_SCRIPT, PDF_SCRIPT].map(({ name, source }) => {
    const script = JSON.stringify(`${up}${name}.js`);
    const replacements = {
      [`new URL("./${source.split("/").at(-1)}", import.meta.url)`]: address(script),
      [`const SCRIPT = "./${name}.js";`]: `const SCRIPT = ${script};`,
    };
    return { starter: source.replace(/[^/]*$/, "start-worker.ts"), replacements };
  });
  return {
    name: "file-addresses",
    enforce: "pre",
    transform(code, id) {
      if (id.endsWith("/shipped-package.ts")) return { code: shippedPackage(up, knowsPackages), map: null };
      const replacements = scripts.find(({ starter }) => id.endsWith(`/${starter}`))?.replacements;
      if (!replacements) return;
      let result = code;
      for (const [written, replacement] of Object.entries(replacements)) {
        if (!result.includes(written)) throw new Error(`${id} does not hold ${written}`);
        result = result.replace(written, replacement);
      }
      return { code: result, map: null };
    },
    // Removes the remark, which would keep users' bundlers from finding the files.
    renderChunk: {
      order: "post",
      handler(code) {
        const written = /new URL\(\s*\/\* @vite-ignore \*\/\s*("[^"]+"),\s*import\.meta\.url\s*\)/g;
        const cleared = code.replace(written, "new URL($1, import.meta.url)");
        return cleared === code ? null : { code: cleared, map: null };
      },
    },
  };
}

/**
 * Lit's builds for Node include document classes. Importing the element needs only their names; without a document it
 * is not used.
 * @returns {import("vite").Plugin}
 */
function withoutDocument() {
  const shim = "@lit-labs/ssr-dom-shim";
  return {
    name: "without-document",
    enforce: "pre",
    resolveId: (id) => (id === shim ? `\0${shim}` : undefined),
    load: (id) =>
      id === `\0${shim}` ? "export class HTMLElement {} export const customElements = undefined;" : undefined,
  };
}
