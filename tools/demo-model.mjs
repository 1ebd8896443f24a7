// The package with the demo model's files. Most pages use another model, so the library's package omits these 8 MB.
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ownModels } from "./manifest.mjs";

export const MODEL_PACKAGE = "fovea-demo-model";

/**
 * Writes the package: the files of the models that ship, and a module that exports their addresses. Each address is one
 * expression `new URL("./file", import.meta.url)`, by which bundlers find and copy the file.
 * @param {string} packageFolder
 * @param {{ version: string, license: string }} library its version is the library's, which knows the files by their hashes
 */
export function writeDemoModel(packageFolder, { version, license }) {
  rmSync(packageFolder, { recursive: true, force: true });
  mkdirSync(packageFolder, { recursive: true });
  const paths = ownModels().flatMap(({ location, folder, files }) =>
    files.map((name) => {
      cpSync(`${folder}${name}`, `${packageFolder}/${location}${name}`);
      return `${location}${name}`;
    }),
  );
  const entries = paths.map(
    // The query keeps Vite from inlining small files into the script. It is removed at run time.
    (path) => `  ${JSON.stringify(path)}: address(new URL("./${path}?no-inline", import.meta.url)),\n`,
  );
  const write = (/** @type {string} */ name, /** @type {string} */ text) =>
    writeFileSync(`${packageFolder}/${name}`, text);
  write(
    "index.js",
    `const address = (url) => url.href.replace(/\\?no-inline$/, "");

/** Path of each file -> its address. */
export const files = {
${entries.join("")}};
`,
  );
  write(
    "index.d.ts",
    "/** Path of each file -> its address. */\nexport declare const files: Readonly<Record<string, string>>;\n",
  );
  const manifest = {
    name: MODEL_PACKAGE,
    version,
    description: "The demo model of the package fovea: a tiny vision-language model that knows scenes of emoji",
    license,
    type: "module",
    sideEffects: false,
    exports: { ".": { types: "./index.d.ts", default: "./index.js" }, "./package.json": "./package.json" },
  };
  write("package.json", `${JSON.stringify(manifest, null, 2)}\n`);
  cpSync(fileURLToPath(new URL("../LICENSE", import.meta.url)), `${packageFolder}/LICENSE`);
  cpSync(fileURLToPath(new URL("../public/fovea-demo/README.md", import.meta.url)), `${packageFolder}/README.md`);
}
