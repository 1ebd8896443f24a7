/** The manifest and the lock file: what is offered, what is needed, and that everything is named exactly. */
import { existsSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { MODEL_PACKAGE } from "../tools/demo-model.mjs";
import { ENTRIES } from "../tools/library.mjs";
import { projectRoot } from "./support/command.ts";
import { filesBelow, importsOf, readSource } from "./support/sources.ts";

const manifest = JSON.parse(readSource("package.json"));
const lock = JSON.parse(readSource("package-lock.json"));

/** Development packages that nothing imports: programs, and types that tsconfig.json names. */
const PROGRAMS = ["@biomejs/biome", "typescript", "@types/node", "@types/react", "@types/react-dom", "@webgpu/types"];
/** Packages whose code goes into dist/lib, because it is little: a page then needs no import map for them. */
const BUNDLED = ["gl-matrix", "@noble/hashes", "eventsource-parser"];

/** Names of the packages that files import. */
function packagesOf(files: string[]): string[] {
  // Those that begin with a slash are modules of a server, which a page imports.
  const specifiers = files.flatMap((file) =>
    importsOf(file).filter(({ path, specifier }) => !path && !specifier.startsWith("/")),
  );
  const names = specifiers.map(({ specifier }) =>
    specifier
      .split("/")
      .slice(0, specifier.startsWith("@") ? 2 : 1)
      .join("/"),
  );
  return [...new Set(names.filter((name) => !name.startsWith("node:") && !builtinModules.includes(name)))].sort();
}

const scripts = (folder: string) => filesBelow(folder).filter((file) => /\.(tsx?|mjs)$/.test(file));

describe("package.json", () => {
  test("names exact versions", () => {
    const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(String(version)))).toEqual([]);
    expect(Object.keys(manifest)).not.toContain("optionalDependencies");
  });

  test("depends on what the library imports, and on nothing else", () => {
    // The demo page is no part of it.
    const library = scripts("src").filter((file) => !file.startsWith("src/app/"));
    const needed = packagesOf(library).filter((name) => !BUNDLED.includes(name));
    expect(Object.keys(manifest.dependencies).filter((name) => !needed.includes(name))).toEqual([]);
    const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
    expect(needed.filter((name) => !(name in declared))).toEqual([]);
    for (const name of BUNDLED) expect(manifest.devDependencies).toHaveProperty(name);
  });

  test("has every development package that is used, and no other", () => {
    const used = packagesOf([
      ...["src", "test", "tools", "eval", "examples/react/src"].flatMap(scripts),
      "vite.config.ts",
    ]);
    const known = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(used.filter((name) => !known.includes(name) && name !== "fovea")).toEqual([]);
    expect(known.filter((name) => !used.includes(name) && !PROGRAMS.includes(name))).toEqual([]);
  });

  test("exports exactly the entries that are built, each with its types", () => {
    const expected = Object.entries(ENTRIES).map(([name, source]) => [
      name === "index" ? "." : `./${name}`,
      { types: source.replace(/^src\/(.*)\.ts$/, "./dist/lib/types/$1.d.ts"), default: `./dist/lib/${name}.js` },
    ]);
    expect(manifest.exports).toEqual({ ...Object.fromEntries(expected), "./package.json": "./package.json" });
    expect(manifest.files).toEqual(["dist/lib", "custom-elements.json", "LICENSE", "README.md", "CHANGELOG.md"]);
  });

  test("leaves out the demo model, which is a package of the same version", () => {
    expect(manifest.peerDependencies).toHaveProperty(MODEL_PACKAGE, manifest.version);
    expect(manifest.peerDependenciesMeta[MODEL_PACKAGE]).toEqual({ optional: true });
  });

  test("says what it is about, and makes up no address", () => {
    expect(manifest.keywords.length).toBeGreaterThan(5);
    for (const name of ["homepage", "repository", "bugs"]) expect(manifest).not.toHaveProperty(name);
  });

  test("starts every command the same way", () => {
    for (const [name, command] of Object.entries(manifest.scripts)) {
      const file = name.replace("test:", "");
      expect(command).toBe(`node tools/run.mjs ${file}`);
      expect(existsSync(join(projectRoot, `tools/${file}.mjs`))).toBe(true);
    }
    for (const name of ["start", "test", "ask", "build"]) expect(manifest.scripts).toHaveProperty(name);
    // An install of the package or of the project runs nothing.
    expect(Object.keys(manifest.scripts).filter((name) => /^(pre|post)|^(prepare|install)$/.test(name))).toEqual([]);
  });
});

describe("package-lock.json", () => {
  test("belongs to package.json", () => {
    const { dependencies, devDependencies, version, name } = lock.packages[""];
    expect({ dependencies, devDependencies, version, name }).toEqual({
      dependencies: manifest.dependencies,
      devDependencies: manifest.devDependencies,
      version: manifest.version,
      name: manifest.name,
    });
  });

  test("has the programs of every platform", () => {
    // npm leaves out those that the registry could not tell when the file was made; an install then fails everywhere.
    const missing = Object.values<{ optionalDependencies?: Record<string, string> }>(lock.packages)
      .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
      .filter((name) => !(`node_modules/${name}` in lock.packages));
    expect(missing).toEqual([]);
  });

  test("holds hashes, and no addresses to download from", () => {
    const packages = Object.entries<{ resolved?: string; integrity?: string }>(lock.packages).filter(([path]) => path);
    expect(packages.length).toBeGreaterThan(50);
    expect(packages.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
    expect(packages.filter(([, { integrity }]) => !integrity?.startsWith("sha512-"))).toEqual([]);
    expect(readSource("package-lock.json")).not.toMatch(/"resolved"/);
  });
});
