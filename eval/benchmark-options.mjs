// The options of `npm run eval` for benchmarks and sweeps: parses and checks them. Reads no files.
import { parseCount } from "../tools/command-line.mjs";

export const BENCHMARKS = ["gqa", "vqav2", "textvqa", "mme", "mmbench", "pope", "folder"];
const DEFAULT_METHODS = "vmtc,prune-last,prumerge,diverse,uniform,pool";

export const BENCHMARK_HELP = `
  --benchmark NAME       ${BENCHMARKS.join(", ")}
  --data PATH            its folder (official files and pictures, or Parquet files), or its file of questions
  --images FOLDER        the folder of its pictures, if that is another
  --server URL           asks the model of this name on a server with OpenAI's interface; FOVEA_API_KEY is its key
  --suffix TEXT          the text after each question, in place of the benchmark's own
  --max-tokens N         longest answer, in tokens
  --ocr                  textvqa: adds the words of a text recogniser to the question
  --match words|exact    folder: an accepted answer occurs in the answer (default), or is all of it
  --sweep                methods at several budgets; on eval/set if no benchmark is named
  --methods A,B          methods of a sweep (default: ${DEFAULT_METHODS}; a wrong name lists all)
  --tokens N,M           its budgets in image tokens (default: 8 to 256, those below the model's own)
  --inhibition R,S       its largest shares of inhibited tokens (default: 0)
`;

export const BENCHMARK_DEFINITIONS = /** @type {const} */ ({
  benchmark: { type: "string" },
  data: { type: "string" },
  images: { type: "string" },
  server: { type: "string" },
  suffix: { type: "string" },
  "max-tokens": { type: "string" },
  ocr: { type: "boolean" },
  match: { type: "string" },
  sweep: { type: "boolean" },
  methods: { type: "string" },
  tokens: { type: "string" },
  inhibition: { type: "string" },
});

/**
 * @typedef {object} BenchmarkOptions
 * @property {string} name of the benchmark; "set" is the one that ships
 * @property {string | undefined} data
 * @property {string | undefined} images
 * @property {string | undefined} server
 * @property {string | undefined} suffix
 * @property {number | undefined} maxTokens
 * @property {boolean} ocr
 * @property {"words" | "exact"} match
 * @property {import("./sweep/sweep-settings.ts").SweepOptions | undefined} sweep
 */

/**
 * Undefined for a command line without a benchmark or sweep. Throws an Error of one line for a wrong option.
 * @param {Partial<Record<keyof typeof BENCHMARK_DEFINITIONS, string | boolean>> & { model?: string | undefined, settings?: string | undefined }} values
 * @returns {BenchmarkOptions | undefined}
 */
export function parseBenchmarkOptions(values) {
  const text = (/** @type {keyof typeof BENCHMARK_DEFINITIONS} */ name) => {
    const value = values[name];
    if (typeof value !== "string") return undefined;
    if (value.trim() === "" && name !== "suffix") throw new Error(`--${name} is empty; pass a value`);
    return value;
  };
  const sweeps = values.sweep === true;
  const name = text("benchmark") ?? (sweeps && text("data") === undefined ? "set" : undefined);
  if (name === undefined) {
    const given = Object.keys(BENCHMARK_DEFINITIONS).find((option) => Reflect.get(values, option) !== undefined);
    if (given !== undefined) throw new Error(`--${given} needs --benchmark; choose from ${BENCHMARKS.join(", ")}`);
    return undefined;
  }
  if (name !== "set" && !BENCHMARKS.includes(name))
    throw new Error(`--benchmark: unknown "${name}"; choose from ${BENCHMARKS.join(", ")}`);
  const data = text("data");
  if (name !== "set" && data === undefined)
    throw new Error("--data is missing; pass the folder of the benchmark's files, or its file of questions");
  const server = text("server");
  if (server !== undefined && (!/^https?:\/\/[^\s/]/i.test(server) || !URL.canParse(server)))
    throw new Error("--server must be an http(s) address such as https://host/v1");
  if (server !== undefined && !values.model) throw new Error("--model is missing; name a model of the server");
  if (server !== undefined && sweeps) throw new Error("--sweep: a server does not compress; leave --server out");
  if (sweeps && values.settings !== undefined)
    throw new Error("--settings: a sweep makes its own; use --methods, --tokens and --inhibition");
  const match = text("match") ?? "words";
  if (match !== "words" && match !== "exact") throw new Error(`--match must be words or exact, got "${match}"`);
  const [maxTokens, tokens] = [text("max-tokens"), text("tokens")];
  const sweepOnly = /** @type {const} */ (["methods", "tokens", "inhibition"]).find(
    (option) => values[option] !== undefined,
  );
  if (!sweeps && sweepOnly !== undefined) throw new Error(`--${sweepOnly} needs --sweep`);
  return {
    name,
    data,
    images: text("images"),
    server,
    suffix: text("suffix"),
    maxTokens: maxTokens === undefined ? undefined : parseCount("--max-tokens", maxTokens),
    ocr: values.ocr === true,
    match,
    sweep: sweeps
      ? {
          methods: listed(text("methods") ?? DEFAULT_METHODS),
          tokens: tokens === undefined ? undefined : listed(tokens).map(parseBudget),
          inhibition: listed(text("inhibition") ?? "0").map(parseShare),
        }
      : undefined,
  };
}

/** @param {string} text */
function listed(text) {
  return [...new Set(text.split(",").map((part) => part.trim()))];
}

/** @param {string} text */
function parseBudget(text) {
  return parseCount("--tokens", text, "positive integers");
}

/** @param {string} text */
function parseShare(text) {
  const value = Number(text);
  if (text === "" || !(value >= 0 && value <= 1))
    throw new Error(`--inhibition must be shares from 0 to 1, got ${JSON.stringify(text)}`);
  return value;
}
