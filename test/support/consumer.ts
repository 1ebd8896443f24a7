/** A project that installed what `npm pack` makes, without a network. For end-to-end tests; Node only. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ensureLibrary, modelPackageFolder } from "../../tools/library.mjs";
import { projectRoot } from "./command.ts";

export const run = promisify(execFile);

export interface Consumer {
  folder: string;
  /** Paths in the library's package. */
  packed: string[];
  /** Length of its archive. */
  bytes: number;
  remove(): void;
}

/** An empty project with the packed library, the demo model, their dependencies and further packages of this checkout. */
export async function makeConsumer(packages: readonly string[] = []): Promise<Consumer> {
  const folder = mkdtempSync(join(tmpdir(), "fovea-consumer-"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", type: "module", private: true }));
  const packed = await install(folder, packages);
  return { folder, ...packed, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Packs the library and the demo model, and installs both in a project, with packages of this checkout. */
export async function install(
  folder: string,
  packages: readonly string[] = [],
): Promise<Pick<Consumer, "packed" | "bytes">> {
  await ensureLibrary();
  const own = await pack(projectRoot, folder);
  const model = await pack(modelPackageFolder, folder);
  const found = new Set(packages);
  dependenciesOf(projectRoot, found);
  for (const name of packages) dependenciesOf(join(projectRoot, "node_modules", name), found);
  const archives = [own.path, model.path];
  const others = [...found].map((name) => join(projectRoot, "node_modules", name));
  // Copies folders, as if they were packed.
  await npm(["install", "--install-links", ...archives, ...others], folder);
  for (const path of archives) rmSync(path);
  return { packed: own.files, bytes: own.bytes };
}

/** Runs npm without scripts, network and remarks. */
async function npm(args: string[], cwd: string): Promise<string> {
  const quiet = ["--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  return (await run("npm", [...args, ...quiet], { cwd, shell: process.platform === "win32" })).stdout;
}

/** Packs a package's folder; gives the path of the archive. */
async function pack(from: string, to: string): Promise<{ path: string; files: string[]; bytes: number }> {
  const [{ filename, files, size }] = JSON.parse(await npm(["pack", "--json", "--pack-destination", to], from));
  return { path: join(to, filename), files: files.map(({ path }: { path: string }) => path), bytes: size };
}

/** Adds the names of the packages that a folder's package needs, and of those that these need. */
function dependenciesOf(folder: string, found: Set<string>): void {
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  for (const name of Object.keys(dependencies)) {
    if (found.has(name)) continue;
    found.add(name);
    dependenciesOf(join(projectRoot, "node_modules", name), found);
  }
}
