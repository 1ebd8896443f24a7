// npm run docs: builds the site of the documentation in dist/docs, from docs/ and from the library's types.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { asksForHelp, printHelp } from "./command-line.mjs";
import { ensureLibrary, root } from "./library.mjs";

const HELP = `Builds the site of the documentation in dist/docs. Installs VitePress and TypeDoc into docs/site the first time.

  npm run docs [-- --serve]

  --serve   serves the site and prints its address
`;

const pages = `${root}docs`;
const site = `${root}docs/site`;
const output = `${root}dist/docs`;

/** @param {string[]} args */
export async function run(args) {
  if (asksForHelp(args)) return printHelp(HELP);
  const unknown = args.find((arg) => arg !== "--serve");
  if (unknown !== undefined) throw new Error(`unexpected ${unknown}; the only option is --serve`);
  await ensureLibrary();
  ensurePackages();
  rmSync(`${site}/pages`, { recursive: true, force: true });
  mkdirSync(`${site}/pages`);
  for (const name of readdirSync(pages))
    if (/\.(md|png|svg)$/.test(name)) cpSync(`${pages}/${name}`, `${site}/pages/${name}`);
  inSite("typedoc/bin/typedoc", []);
  inSite("vitepress/bin/vitepress.js", ["build", "."]);
  console.log("dist/docs");
  if (!args.includes("--serve")) return 0;
  const { serve } = await import("./serve.mjs");
  const { origin } = await serve({ "/": { folder: output } });
  console.log(`${origin}/`);
  return new Promise(() => {});
}

/** The site has packages of its own: TypeDoc needs an older compiler, and the tests need none of them. */
function ensurePackages() {
  const lock = readFileSync(`${site}/package-lock.json`, "utf8");
  const stamp = `${site}/node_modules/.lock`;
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  // Without install scripts, which would check or fetch a binary.
  const flags = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const { status } = spawnSync("npm", flags, { cwd: site, stdio: "inherit", shell: process.platform === "win32" });
  if (status !== 0) throw new Error("the packages of docs/site could not be installed; check the connection");
  writeFileSync(stamp, lock);
}

/**
 * @param {string} script in docs/site/node_modules
 * @param {string[]} args
 */
function inSite(script, args) {
  const { status } = spawnSync(process.execPath, [`node_modules/${script}`, ...args], { cwd: site, stdio: "inherit" });
  if (status !== 0) throw new Error(`${script} failed, as it says above`);
}
