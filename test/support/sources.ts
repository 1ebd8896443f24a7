/** The project's own files as data: what there is, and what imports what. Node only. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { parseAst } from "vite";
import { projectRoot } from "./command.ts";

/** All files below a folder of the project, as paths from its root with "/"; those of installed packages aside. */
export function filesBelow(folder: string): string[] {
  return readdirSync(join(projectRoot, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(projectRoot, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .filter((file) => !file.includes("node_modules/"))
    .sort();
}

/** The text of a file of the project, read once. */
export function readSource(path: string): string {
  return once(read, path, () => readFileSync(join(projectRoot, path), "utf8"));
}

/** Several tests of a file ask for the same sources, and parsing them all takes seconds. */
const [read, imported] = [new Map<string, string>(), new Map<string, readonly Import[]>()];

function once<T>(known: Map<string, T>, key: string, make: () => T): T {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}

export interface Import {
  /** As written. */
  specifier: string;
  /** For a relative one, the path from the project's root, without a query. */
  path: string | undefined;
  /** True if nothing of it is left when the types are gone. */
  isType: boolean;
}

/** Everything that a TypeScript file imports, types included, in whatever way. */
export function importsOf(file: string): readonly Import[] {
  return once(imported, file, () => findImports(file));
}

function findImports(file: string): Import[] {
  const found: Import[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    const { type, source, importKind, exportKind, ...rest } = node as Record<string, unknown> & {
      type?: string;
      source?: { value?: unknown };
    };
    if (/^(Import|Export|TSImport)/.test(type ?? "") && typeof source?.value === "string") {
      const specifier = source.value;
      const path = join(dirname(file), specifier.replace(/\?.*$/, "")).replaceAll("\\", "/");
      const isType = importKind === "type" || exportKind === "type" || type === "TSImportType";
      found.push({ specifier, path: specifier.startsWith(".") ? path : undefined, isType });
    }
    for (const value of Object.values(rest)) visit(value);
  };
  visit(parseAst(readSource(file), { lang: file.endsWith("x") ? "tsx" : "ts" }));
  return found;
}

/** A TypeScript file's code without comments and without the contents of its texts. */
export function codeOf(file: string): string {
  return readSource(file).replace(/\/\*.*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"/gs, (part) =>
    part.startsWith('"') ? '""' : " ",
  );
}
