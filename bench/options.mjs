// The command line of `npm run bench`: parses and checks it. Needs no compiler, so that errors and the help come at once.
import { parseOptions } from "../tools/command-line.mjs";

/** Parts in the order in which they run. */
export const PART_NAMES = /** @type {const} */ ([
  ...["kernels", "vision", "decoder", "cost", "views", "load", "open", "endurance", "size"],
  ...["compare-vision", "compare-decoder"],
]);

/** @typedef {(typeof PART_NAMES)[number]} PartName */

/** Parts that also run in Node. */
const NODE_PARTS = ["kernels", "vision", "decoder"];

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
  compare: ["compare-vision", "compare-decoder"],
};

export const HELP = `Measures Fovea in headless Chromium, prints tables, and stores them in bench/results.

  npm run bench [-- OPTIONS]

  --only PART,...   ${PART_NAMES.join(", ")}
                    (also ${Object.keys(ALIASES).join(", ")}); default: all
  --size SIZE       small (default on software adapters), large (default on GPUs), tiny (only checks that it runs)
  --node            kernels, vision and decoder in Node, on Dawn, for machines with a GPU and no browser
  --report          measures nothing; rewrites tables and plot from the stored results
  --help            prints this text

  --checkpoint NAME measures a whole checkpoint instead; see --checkpoint --help.

FOVEA_GPU=1 uses this machine's GPU instead of a software adapter. CHROME_PATH names the browser. compare-* downloads
onnxruntime-web from the npm registry on its first run (170 MB); --node downloads Dawn (130 MB).
`;

/**
 * @typedef {object} BenchOptions
 * @property {readonly string[]} parts
 * @property {import("./parts/result.ts").SizeName | undefined} size
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
    node: { type: "boolean" },
    report: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  });
  const { only, size, node = false, report = false, help } = parseOptions(args, definitions, "--only vision");
  if (help) return "help";
  if (size !== undefined && !isSize(size)) throw new Error(`--size must be tiny, small or large, got "${size}"`);
  const available = node ? NODE_PARTS : PART_NAMES;
  return { parts: only === undefined ? available : chosen(only, available), size, node, reportOnly: report };
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
