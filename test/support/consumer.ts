/** A project that installed what `npm pack` makes, without a network. For end-to-end tests; Node only. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ensureLibrary } from "../../tools/library.mjs";
import { projectRoot } from "./command.ts";

export const run = promisify(execFile);

export interface Consumer {
  folder: string;
  /** Paths in the package. */
  packed: string[];
  remove(): void;
}

/** An empty project with the packed library, its dependencies and further packages of this checkout. */
export async function makeConsumer(packages: readonly string[] = []): Promise<Consumer> {
  await ensureLibrary();
  const folder = mkdtempSync(join(tmpdir(), "fovea-consumer-"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", type: "module", private: true }));
  const own = await pack(projectRoot, folder);
  const found = new Set(packages);
  dependenciesOf(projectRoot, found);
  for (const name of packages) dependenciesOf(join(projectRoot, "node_modules", name), found);
  const others = [...found].map((name) => pack(join(projectRoot, "node_modules", name), folder));
  await npm(["install", ...[own, ...(await Promise.all(others))].map(({ path }) => path)], folder);
  return { folder, packed: own.files, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Runs npm without scripts, network and remarks. */
async function npm(args: string[], cwd: string): Promise<string> {
  const quiet = ["--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  return (await run("npm", [...args, ...quiet], { cwd, shell: process.platform === "win32" })).stdout;
}

/** Packs a package's folder; gives the path of the archive. */
async function pack(from: string, to: string): Promise<{ path: string; files: string[] }> {
  const [{ filename, files }] = JSON.parse(await npm(["pack", "--json", "--pack-destination", to], from));
  return { path: join(to, filename), files: files.map(({ path }: { path: string }) => path) };
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
