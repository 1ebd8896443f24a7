/** The command line of the benchmark of whole checkpoints. */
import { CHECKPOINT_NAMES, type CheckpointName } from "../../test/support/synthetic/checkpoint.ts";
import { parseCount, parseOptions } from "../../tools/command-line.mjs";

const WEIGHTS = ["auto", "f32", "f16", "q8", "q4"] as const;

export const HELP = `Measures a published checkpoint with random values, from its download to one answer, in headless Chromium.

  npm run bench -- --checkpoint NAME

  --checkpoint NAME  ${CHECKPOINT_NAMES.join(", ")}
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

export interface CheckpointRun {
  checkpoint: CheckpointName;
  weights: (typeof WEIGHTS)[number];
  /** Encoder blocks and decoder layers to run; default: all. */
  blocks: number | undefined;
  layers: number | undefined;
  /** Rows of the embedding table; default: all. */
  vocabulary: number | undefined;
  /** Image tokens to keep; default: half. */
  tokens: number | undefined;
  /** Size of a drawn picture, in pixels; default: a picture of the evaluation set. */
  pictureSize: { width: number; height: number } | undefined;
  maxTokens: number;
  context: number | undefined;
  /** Stop after the plan. */
  planOnly: boolean;
  /** Stop after the load. */
  loadOnly: boolean;
}

const DEFINITIONS = {
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
} as const;

/** Throws an Error of one line for an unknown or wrong option. */
export function parseCheckpointRun(args: string[]): CheckpointRun {
  const values = parseOptions(args, DEFINITIONS, "--checkpoint tiny-llava");
  const count = (name: "blocks" | "layers" | "vocabulary" | "tokens" | "max-tokens" | "context") =>
    values[name] === undefined ? undefined : parseCount(`--${name}`, values[name]);
  return {
    checkpoint: oneOf("checkpoint", values.checkpoint, CHECKPOINT_NAMES),
    weights: oneOf("weights", values.weights, WEIGHTS),
    blocks: count("blocks"),
    layers: count("layers"),
    vocabulary: count("vocabulary"),
    tokens: count("tokens"),
    pictureSize: values.picture === undefined ? undefined : parseSize(values.picture),
    maxTokens: count("max-tokens")!,
    context: count("context"),
    planOnly: values["plan-only"],
    loadOnly: values["load-only"],
  };
}

function parseSize(text: string): { width: number; height: number } {
  const match = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(text);
  if (!match) throw new Error(`--picture must be a size in pixels such as 1920x1080, got ${JSON.stringify(text)}`);
  return { width: Number(match[1]), height: Number(match[2]) };
}

function oneOf<Name extends string>(option: string, value: string | undefined, names: readonly Name[]): Name {
  if (!names.includes(value as Name))
    throw new Error(`--${option} must be one of ${names.join(", ")}, got ${JSON.stringify(value ?? "")}`);
  return value as Name;
}
