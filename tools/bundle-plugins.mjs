// Removes dead weight from the bundles: shader comments, and parts of packages that are never called.
import { readFileSync } from "node:fs";

/**
 * Imports shaders as text without comments and indentation, which halves them. WGSL has no strings that could contain "//".
 * @returns {import("vite").Plugin}
 */
export function shaderText() {
  const suffix = ".wgsl?raw";
  return {
    name: "fovea:shader-text",
    enforce: "pre",
    load(id) {
      if (!id.endsWith(suffix)) return;
      const lines = readFileSync(id.slice(0, -"?raw".length), "utf8")
        .split("\n")
        .map((line) => line.replace(/\/\/.*$/, "").trim());
      return { code: `export default ${JSON.stringify(lines.filter(Boolean).join("\n"))};`, map: null };
    },
  };
}

/**
 * Keeps marked's reader of Markdown and drops its HTML writer, a third of it. A bundler cannot drop it, because the module
 * ends with an instance of everything; this removes that end. Throws if a newer version ends differently.
 * @returns {import("vite").Plugin}
 */
export function markdownReader() {
  return {
    name: "fovea:markdown-reader",
    enforce: "pre",
    transform(code, id) {
      if (!id.endsWith("/marked/lib/marked.esm.js")) return;
      const instance = [...code.matchAll(/var (\w+)=new \w+;function \w+\(\w+,\w+\)\{return \1\.parse\(/g)].at(-1);
      const exported = /export\{([^}]*)\};/.exec(code)?.[1]?.split(",") ?? [];
      const wanted = exported.filter((one) => /as (Lexer|Tokenizer)$/.test(one));
      if (!instance || wanted.length !== 2)
        throw new Error(`${id} has another ending than expected; adapt markdownReader to it`);
      return { code: `${code.slice(0, instance.index)}export{${wanted}};`, map: null };
    },
  };
}

/**
 * Puts all that an entry imports at once into one file. Without it each module that a lazy part needs too becomes a file of
 * its own: 12 files and 130.1 kB (brotli) in place of one of 125.0, for the engine.
 * @param {string} [entry] the file's name, of a site with several pages. Its own modules then stay apart from those that it
 * shares, so that another page does not run them.
 * @returns {import("vite").Plugin}
 */
export function oneStart(entry = "") {
  /** @type {Set<string>} */
  const atOnce = new Set();
  return {
    name: "fovea:one-start",
    buildEnd() {
      atOnce.clear();
      const ids = [...this.getModuleIds()].filter((id) => this.getModuleInfo(id)?.isEntry && id.endsWith(entry));
      for (const id of ids) {
        if (atOnce.has(id)) continue;
        atOnce.add(id);
        ids.push(...(this.getModuleInfo(id)?.importedIds ?? []));
      }
    },
    outputOptions: (options) => ({
      ...options,
      codeSplitting: { groups: [{ name: "start", test: (id) => atOnce.has(id), minShareCount: entry ? 2 : 1 }] },
    }),
  };
}
