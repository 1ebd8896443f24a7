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
  writeReference();
  inSite("vitepress/bin/vitepress.js", ["build", "."]);
  console.log("dist/docs");
  if (!args.includes("--serve")) return 0;
  const { serve } = await import("./serve.mjs");
  const { origin } = await serve({ "/": { folder: output } });
  console.log(`${origin}/`);
  return new Promise(() => {});
}

/** Gives the pages that TypeDoc wrote a name and a purpose, and mends their links. */
function writeReference() {
  const folder = `${site}/pages/api`;
  const names = readdirSync(folder).filter((name) => name.endsWith(".md"));
  const texts = new Map(names.map((name) => [name, readFileSync(`${folder}/${name}`, "utf8")]));
  for (const [name, text] of texts) {
    const entry = name === "index.md" ? "fovea" : `fovea/${name.slice(0, -".md".length)}`;
    const opening = `# ${entry}\n\nEvery class, type and function that you can import from \`${entry}\`.\n`;
    const titled = name === "README.md" ? text : text.replace(/^# .*\n/, opening);
    // TypeDoc numbers a name that it has met before, even where it stands on the page once.
    const linked = titled.replace(/\(([\w-]+\.md)?#([\w-]+)-1\)/g, (whole, page = name, id) =>
      headings(texts.get(page) ?? "", id) === 1 ? whole.replace(/-1\)$/, ")") : whole,
    );
    writeFileSync(`${folder}/${name}`, linked);
  }
}

/**
 * Headings of a page with this id.
 * @param {string} text
 * @param {string} id
 */
function headings(text, id) {
  const ids = Array.from(text.matchAll(/^#+ (.*)$/gm), ([, title]) =>
    (title ?? "").toLowerCase().replace(/[^\w-]/g, ""),
  );
  return ids.filter((one) => one === id).length;
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
