/**
 * AWQ's "gemm" version (AutoAWQ, GPTQModel, AutoRound): words along the rows, their eighths in the order of its kernel.
 */
import type { TensorEntry } from "../../safetensors.ts";
import type { StoredTensor } from "../stored-tensor.ts";
import type { PackingConfig } from "./config.ts";
import { describeTransposed, type TransposedFormat } from "./transposed.ts";

/** Eighth i of a word holds row 8w + PLACES[i]. */
const PLACES = [0, 2, 4, 6, 1, 3, 5, 7];

const VERSIONS = ["gemm", "awq", "auto_round:auto_awq", "auto_round:awq"];

function readAwq(config: PackingConfig): TransposedFormat {
  const version = config.text(["version", "checkpoint_format", "format", "packing_format"], "gemm");
  if (!VERSIONS.includes(version.text)) throw config.unsupported(version.name, "gemm");
  if (config.value("backend") === "llm-awq") throw config.unsupported("backend", "autoawq");
  config.oneOf(["bits", "w_bit"], 4, [4]);
  return {
    name: "awq",
    bits: 4,
    group: config.groupSize(["group_size", "q_group_size"], 128),
    zeroOffset: 0,
    isSymmetric: false,
    along: "rows",
    places: PLACES,
  };
}

/** Finds the packed matrices of a file: a module with `qweight` is packed. */
export function findAwq(config: PackingConfig, entries: ReadonlyMap<string, TensorEntry>): StoredTensor[] {
  const format = readAwq(config);
  return [...entries.keys()]
    .filter((name) => name.endsWith(".qweight"))
    .map((name) => describeTransposed(name.slice(0, -".qweight".length), format, entries));
}
