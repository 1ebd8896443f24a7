// The command line of the benchmark of whole checkpoints. Needs no compiler, so that errors and the help come at once.
import { parseCount, parseOptions } from "../../tools/command-line.mjs";

/** @typedef {import("../../test/support/synthetic/checkpoint.ts").CheckpointName} CheckpointName */

/** @type {readonly CheckpointName[]} */
export const CHECKPOINTS = ["llava-1.5-7b", "tiny-llava", "llava-interleave-qwen-0.5b", "smolvlm-256m"];
const WEIGHTS = /** @type {const} */ (["auto", "f32", "f16", "q8", "q4"]);

export const HELP = `Measures a published checkpoint with random values, from its download to one answer, in headless Chromium.

  npm run bench -- --checkpoint NAME

  --checkpoint NAME  ${CHECKPOINTS.join(", ")}
  --weights TYPE     ${WEIGHTS.join(", ")} (default: auto)
  --blocks N         encoder blocks to run (default: all)
  --layers N         decoder layers to run (default: all)
  --vocabulary N     rows of the embedding table (default: all)
  --tokens N         image tokens to keep (default: half)
  --picture WxH      size of the picture (default: one of the evaluation set, 112x112)
  --max-tokens N     longest answer, in tokens (default: 8)
  --context N        positions in the KV cache
  --plan-only        stops after the plan
  --load-only        stops after the load
  --help             prints this text
`;

/**
 * @typedef {object} CheckpointRun
 * @property {CheckpointName} checkpoint
 * @property {(typeof WEIGHTS)[number]} weights
 * @property {number | undefined} blocks encoder blocks to run; default: all
 * @property {number | undefined} layers decoder layers to run; default: all
 * @property {number | undefined} vocabulary rows of the embedding table; default: all
 * @property {number | undefined} tokens image tokens to keep; default: half
 * @property {{ width: number, height: number } | undefined} pictureSize size of a drawn picture, in pixels; default: a
 *   picture of the evaluation set
 * @property {number} maxTokens
 * @property {number | undefined} context
 * @property {boolean} planOnly stop after the plan
 * @property {boolean} loadOnly stop after the load
 */

const DEFINITIONS = /** @type {const} */ ({
  checkpoint: { type: "string" },
  weights: { type: "string", default: "auto" },
  blocks: { type: "string" },
  layers: { type: "string" },
  vocabulary: { type: "string" },
  tokens: { type: "string" },
  picture: { type: "string" },
  "max-tokens": { type: "string", default: "8" },
  context: { type: "string" },
  "plan-only": { type: "boolean", default: false },
  "load-only": { type: "boolean", default: false },
});

/**
 * Throws an Error of one line for an unknown or wrong option.
 * @param {string[]} args
 * @returns {CheckpointRun}
 */
export function parseCheckpointRun(args) {
  const values = parseOptions(args, DEFINITIONS, "--checkpoint tiny-llava");
  const count = (/** @type {"blocks" | "layers" | "vocabulary" | "tokens" | "context"} */ name) =>
    values[name] === undefined ? undefined : parseCount(`--${name}`, values[name]);
  return {
    checkpoint: oneOf("checkpoint", values.checkpoint, CHECKPOINTS),
    weights: oneOf("weights", values.weights, WEIGHTS),
    blocks: count("blocks"),
    layers: count("layers"),
    vocabulary: count("vocabulary"),
    tokens: count("tokens"),
    pictureSize: values.picture === undefined ? undefined : parseSize(values.picture),
    maxTokens: parseCount("--max-tokens", values["max-tokens"]),
    context: count("context"),
    planOnly: values["plan-only"],
    loadOnly: values["load-only"],
  };
}

/** @param {string} text */
function parseSize(text) {
  const match = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(text);
  if (!match) throw new Error(`--picture must be a size in pixels such as 1920x1080, got ${JSON.stringify(text)}`);
  return { width: Number(match[1]), height: Number(match[2]) };
}

/**
 * @template {string} Name
 * @param {string} option
 * @param {string | undefined} value
 * @param {readonly Name[]} names
 */
function oneOf(option, value, names) {
  const name = names.find((known) => known === value);
  if (name === undefined)
    throw new Error(`--${option} must be one of ${names.join(", ")}, got ${JSON.stringify(value ?? "")}`);
  return name;
}
