// The command line of `npm run bench`: parses and checks it. Needs no compiler, so that errors and the help come at once.
import { parseOptions } from "../tools/command-line.mjs";

/** Parts in the order in which they run. */
const PART_NAMES = /** @type {const} */ ([
  "kernels",
  "vision",
  "decoder",
  "cost",
  "views",
  "load",
  "reuse",
  "formats",
  "open",
  "page",
  "endurance",
  "families",
  "size",
  "compare-vision",
  "compare-decoder",
  "compare-smolvlm",
]);

/** @typedef {(typeof PART_NAMES)[number]} PartName */

/** Parts that also run in Node. */
const NODE_PARTS = ["kernels", "vision", "decoder"];

/** Parts with a peer, or of the built product, which run in Chromium only. */
const CHROMIUM_PARTS = ["open", "page", "size", "compare-vision", "compare-decoder", "compare-smolvlm"];
const FIREFOX_PARTS = PART_NAMES.filter((name) => !CHROMIUM_PARTS.includes(name));

/** @typedef {"chromium" | "firefox"} BrowserName */

/**
 * Other names for one or several parts.
 * @type {Record<string, readonly string[]>}
 */
const ALIASES = {
  prefill: ["decoder"],
  decode: ["decoder"],
  compression: ["cost"],
  inhibition: ["cost"],
  compile: ["load"],
  memory: ["load"],
  compare: ["compare-vision", "compare-decoder", "compare-smolvlm"],
};

export const HELP = `Measures Fovea in a headless browser, prints tables, and stores them in bench/results.

  npm run bench [-- OPTIONS]

  --only PART,...   ${PART_NAMES.join(", ")}
                    (also ${Object.keys(ALIASES).join(", ")}); default: all
  --size SIZE       small (default on software adapters), large (default on GPUs), tiny (only checks that it runs)
  --browser NAME    chromium (default), or firefox: ${FIREFOX_PARTS.join(", ")}
  --node            kernels, vision and decoder in Node, on Dawn, for machines with a GPU and no browser
  --report          measures nothing; rewrites tables and plot from the stored results
  --help            prints this text

  --checkpoint NAME measures a whole checkpoint instead; see --checkpoint --help.
  --real            measures a published model beside llama.cpp instead; see --real --help.

FOVEA_GPU=1 uses this machine's GPU instead of a software adapter. CHROME_PATH and FIREFOX_PATH name
the browsers. compare-* downloads onnxruntime-web and transformers.js from the npm registry on its first run (330 MB); --node
downloads Dawn (130 MB). compare-smolvlm needs a checkpoint that bench/peers/export_smolvlm.py makes.
`;

/**
 * @typedef {object} BenchOptions
 * @property {readonly string[]} parts
 * @property {import("./parts/result.ts").SizeName | undefined} size
 * @property {BrowserName} browser
 * @property {boolean} node
 * @property {boolean} reportOnly
 */

/**
 * Throws an Error of one line for an unknown or wrong option.
 * @param {string[]} args
 * @returns {BenchOptions | "help"}
 */
export function parseBenchOptions(args) {
  const definitions = /** @type {const} */ ({
    only: { type: "string" },
    size: { type: "string" },
    browser: { type: "string" },
    node: { type: "boolean" },
    report: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  });
  const { only, size, browser, node = false, report = false, help } = parseOptions(args, definitions, "--only vision");
  if (help) return "help";
  if (size !== undefined && !isSize(size)) throw new Error(`--size must be tiny, small or large, got "${size}"`);
  if (browser !== undefined && !isBrowser(browser))
    throw new Error(`--browser must be chromium or firefox, got "${browser}"`);
  if (browser !== undefined && node) throw new Error("--node runs without a browser; leave --browser out");
  const available = node ? NODE_PARTS : browser === "firefox" ? FIREFOX_PARTS : PART_NAMES;
  const parts = only === undefined ? available : chosen(only, available);
  return { parts, size, browser: browser ?? "chromium", node, reportOnly: report };
}

/**
 * @param {string} text
 * @returns {text is BrowserName}
 */
function isBrowser(text) {
  return text === "chromium" || text === "firefox";
}

/**
 * @param {string} text
 * @returns {text is import("./parts/result.ts").SizeName}
 */
function isSize(text) {
  return ["tiny", "small", "large"].includes(text);
}

/**
 * @param {string} only
 * @param {readonly string[]} available
 */
function chosen(only, available) {
  const names = only.split(",").flatMap((name) => ALIASES[name.trim()] ?? [name.trim()]);
  const unknown = names.find((name) => !available.includes(name));
  if (unknown !== undefined) throw new Error(`--only: unknown part "${unknown}"; choose from ${available.join(", ")}`);
  return available.filter((name) => names.includes(name));
}
