// The command line of `npm run eval`: parses and checks it. Reads no files, and needs no compiler, so that errors and the
// help come at once.
import { BROWSERS_AT_ONCE } from "../tools/chromium.mjs";
import { parseCount, parseOptions } from "../tools/command-line.mjs";
import { BENCHMARK_DEFINITIONS, BENCHMARK_HELP, parseBenchmarkOptions } from "./benchmark-options.mjs";

/** The shipped model. */
const DEFAULT_MODEL = "fovea-demo";

export const HELP = `Asks a model the evaluation set or a benchmark, in headless Chromium, and writes the report.

  npm run eval
  npm run eval -- --benchmark gqa --data FOLDER --settings full,vmtc-50+cmai --limit 1000
  npm run eval -- --sweep --benchmark pope --data FOLDER --tokens 8,16,32,64

  --model ID|FOLDER|URL  the model to evaluate (default: ${DEFAULT_MODEL})
  --weights TYPE         weight format on the GPU: auto, f32, f16, q8 or q4 (default: auto)
  --settings A,B         settings by name, or main, ablation, option (default: main,ablation; of a benchmark
                         full,vmtc-50+cmai; a wrong name lists all)
  --browsers N           browsers in parallel (default: one per core, at most four; one with FOVEA_GPU=1)
  --limit N              only the first N pictures of every setting; of a benchmark N questions, spread evenly
  --out FOLDER           folder of answers and report (default: eval/report; of a benchmark eval/out/NAME)
  --fresh                deletes the stored answers first
  --report               asks nothing; writes the report from the stored answers
  --help                 prints this text
${BENCHMARK_HELP}
Answers are stored as they come; the same command resumes an interrupted run. CHROME_PATH names the browser. FOVEA_GPU=1
uses this machine's GPU instead of a software adapter.
`;

const DEFINITIONS = /** @type {const} */ ({
  model: { type: "string" },
  weights: { type: "string" },
  settings: { type: "string" },
  browsers: { type: "string" },
  limit: { type: "string" },
  out: { type: "string" },
  fresh: { type: "boolean" },
  report: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  ...BENCHMARK_DEFINITIONS,
});

const WEIGHTS = /** @type {const} */ (["auto", "f32", "f16", "q8", "q4"]);

/** @typedef {(typeof WEIGHTS)[number]} WeightsOption */

/**
 * @typedef {object} EvalOptions
 * @property {string} model
 * @property {WeightsOption} weights
 * @property {string[]} settings names from the command line, not yet checked
 * @property {number} browsers
 * @property {number | undefined} limit
 * @property {string | undefined} out undefined: the project's folder
 * @property {boolean} fresh
 * @property {boolean} reportOnly
 * @property {import("./benchmark-options.mjs").BenchmarkOptions | undefined} benchmark
 */

/**
 * Throws an Error of one line for an unknown or wrong option.
 * @param {string[]} args
 * @returns {EvalOptions | "help"}
 */
export function parseEvalOptions(args) {
  const values = parseOptions(args, DEFINITIONS, "--settings main");
  if (values.help) return "help";
  const weights = WEIGHTS.find((name) => name === (values.weights ?? "auto"));
  if (!weights) throw new Error(`--weights must be one of ${WEIGHTS.join(", ")}, got "${values.weights}"`);
  const benchmark = parseBenchmarkOptions(values);
  const {
    model = DEFAULT_MODEL,
    settings = defaultSettings(benchmark),
    browsers,
    limit,
    out,
    fresh = false,
    report = false,
  } = values;
  if (fresh && report) throw new Error("--fresh deletes the answers that --report needs; use one of them");
  for (const [name, value] of Object.entries({ model, settings, out }))
    if (value?.trim() === "") throw new Error(`--${name} is empty; pass a value`);
  return {
    model,
    weights,
    settings: settings.split(",").map((name) => name.trim()),
    // Parallel browsers would slow each other down, and a sweep measures time.
    browsers: browsers === undefined ? (benchmark?.sweep ? 1 : BROWSERS_AT_ONCE) : parseCount("--browsers", browsers),
    limit: limit === undefined ? undefined : parseCount("--limit", limit),
    out,
    fresh,
    reportOnly: report,
    benchmark,
  };
}

/** @param {import("./benchmark-options.mjs").BenchmarkOptions | undefined} benchmark */
function defaultSettings(benchmark) {
  if (!benchmark) return "main,ablation";
  return benchmark.server === undefined ? "full,vmtc-50+cmai" : "full";
}
