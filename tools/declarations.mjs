// Type declarations of the library's entries. The compiler emits them for all sources. Only those that the entries
// reach are kept, with imports for any module resolution.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Writes `outDir/types/**` with the layout of src. Throws an Error with the compiler's output.
 * @param {string} root
 * @param {string[]} entries such as "src/index.ts"
 * @param {string} outDir inside the project
 */
export function emitDeclarations(root, entries, outDir) {
  const all = join(outDir, "all-types");
  mkdirSync(all);
  try {
    const config = join(all, "tsconfig.json");
    const compilerOptions = {
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      stripInternal: true,
      rootDir: join(root, "src"),
      outDir: all,
    };
    const files = entries.map((entry) => join(root, entry));
    writeFileSync(
      config,
      JSON.stringify({ extends: join(root, "tsconfig.json"), compilerOptions, include: [], files }),
    );
    const compiler = join(root, "node_modules/typescript/bin/tsc");
    const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, "-p", config], { encoding: "utf8" });
    if (status !== 0) throw new Error(`the library does not compile: ${stdout || stderr}`.trim());
    const reachable = new Set(entries.map((entry) => entry.replace(/^src\//, "").replace(/\.ts$/, ".d.ts")));
    for (const name of reachable) {
      const text = readFileSync(join(all, name), "utf8").replace(
        /(\bfrom "|\bimport\(")(\.[^"]*)\.ts"/g,
        (_, keyword, path) => {
          reachable.add(`${join(dirname(name), path)}.d.ts`);
          return `${keyword}${path}.js"`;
        },
      );
      // Compilers with an older library do not know the symbol.
      const needs = text.includes("[Symbol.dispose]") ? '/// <reference lib="esnext.disposable" />\n' : "";
      const target = join(outDir, "types", name);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, needs + text);
    }
  } finally {
    rmSync(all, { recursive: true, force: true });
  }
}
