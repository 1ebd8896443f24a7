/** The command line of `npm run eval`: what there is, and what of it makes sense. Looks at no files. */
import { BROWSERS_AT_ONCE } from "../tools/chromium.mjs";
import { parseCount, parseOptions } from "../tools/command-line.mjs";
import { DEFAULT_MODEL } from "./model-source.ts";

export const HELP = `Asks a model the evaluation set, in headless Chromium, and writes the report.

  npm run eval

  --model ID|FOLDER|URL  what is evaluated (default: ${DEFAULT_MODEL}, the model that ships)
  --weights TYPE         how its weights are kept on the GPU: auto, f32, f16, q8 or q4 (default: auto)
  --settings A,B         settings by name, or main, ablation, option (default: main,ablation; a wrong name lists all)
  --browsers N           how many ask at once (default: one a core, four at most; with FOVEA_GPU=1 one)
  --limit N              only the first N pictures of every setting
  --out FOLDER           where answers and report go (default: eval/report)
  --fresh                forget the answers that are there
  --report               ask nothing; write the report of the answers that are there
  --help                 this text

Answers are written down as they come: the same command goes on where an earlier one stopped. CHROME_PATH names the
browser, FOVEA_GPU=1 uses this machine's GPU in place of the software one.
`;

const DEFINITIONS = {
  model: { type: "string" },
  weights: { type: "string" },
  settings: { type: "string" },
  browsers: { type: "string" },
  limit: { type: "string" },
  out: { type: "string" },
  fresh: { type: "boolean" },
  report: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

const WEIGHTS = ["auto", "f32", "f16", "q8", "q4"] as const;
export type WeightsOption = (typeof WEIGHTS)[number];

export interface EvalOptions {
  model: string;
  weights: WeightsOption;
  /** Names as they were given; not yet looked up. */
  settings: string[];
  browsers: number;
  limit: number | undefined;
  /** undefined: the project's own folder. */
  out: string | undefined;
  fresh: boolean;
  reportOnly: boolean;
}

/** Throws an Error of one line for what cannot be meant. */
export function parseEvalOptions(args: string[]): EvalOptions | "help" {
  const values = parseOptions(args, DEFINITIONS, "--settings main");
  if (values.help) return "help";
  const weights = WEIGHTS.find((name) => name === (values.weights ?? "auto"));
  if (!weights) throw new Error(`--weights ${values.weights}: there are ${WEIGHTS.join(", ")}`);
  const {
    model = DEFAULT_MODEL,
    settings = "main,ablation",
    browsers,
    limit,
    out,
    fresh = false,
    report = false,
  } = values;
  if (fresh && report) throw new Error("--fresh forgets the answers that --report needs; give one of them");
  for (const [name, value] of Object.entries({ model, settings, out }))
    if (value?.trim() === "") throw new Error(`--${name} is empty`);
  return {
    model,
    weights,
    settings: settings.split(",").map((name) => name.trim()),
    browsers: browsers === undefined ? BROWSERS_AT_ONCE : parseCount("--browsers", browsers),
    limit: limit === undefined ? undefined : parseCount("--limit", limit),
    out,
    fresh,
    reportOnly: report,
  };
}
