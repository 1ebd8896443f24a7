/** The report of the comparison with transformers.js: a figure, or the reason for its absence, in each row. Pure. */
import type { Answered, Device } from "../peers/transformers-js.ts";
import { median, medianRatio } from "./measure.ts";
import type { Figure, Missing } from "./result.ts";

/** New tokens of an answer. */
export const TOKENS = 16;

/** Kinds of questions, in the order in which they run. */
export const KINDS = ["view", "text", "views"] as const;
export type Kind = (typeof KINDS)[number];
/** Where the peer runs, in words. */
export const DEVICES: Record<Device, string> = { webgpu: "WebGPU", wasm: "WebAssembly" };

/** The rounds of one kind of question: answers of both, in turns. */
export interface Rounds {
  fovea: Answered[];
  peer: Answered[];
  /** The peer was too slow for more than its first answer of this kind, which is the only round. */
  isFirst?: boolean;
}

/** The measured part of one peer. */
export interface Compared {
  device: Device;
  loadMs?: number;
  /** Its first answer after the load. */
  first?: Answered;
  rounds: Partial<Record<Kind, Rounds>>;
  /** Largest difference in logits so far. */
  error?: number;
  /** Why a kind of question has no rounds. */
  reasons: Partial<Record<Kind, string>>;
}

export interface Comparison {
  /** The peer with its version. */
  name: string;
  depth: string;
  /** Fovea's load, and its first answer. */
  loadMs: number;
  first: Answered;
  compared: readonly Compared[];
}

interface Measure {
  id: string;
  what: string;
  kind: Kind;
  value: (answered: Answered) => number;
  unit: "ms" | "tokens/s";
}

const firstMs = ({ firstMs }: Answered) => firstMs;
const MEASURES: readonly Measure[] = [
  { id: "view", what: "picture of one view to first token", kind: "view", value: firstMs, unit: "ms" },
  { id: "views", what: "picture of five views to first token", kind: "views", value: firstMs, unit: "ms" },
  { id: "prefill", what: "text to first token", kind: "text", value: firstMs, unit: "ms" },
  {
    ...{ id: "decode", what: `decoding, ${TOKENS} tokens after a picture`, kind: "view", unit: "tokens/s" },
    value: ({ newTokens, firstMs, totalMs }) => (1000 * (newTokens - 1)) / (totalMs - firstMs),
  },
];

/** The rows of the report: a figure, or the reason for its absence, for each measure and peer. */
export function rowsOf({ name, depth, loadMs, first, compared }: Comparison): {
  figures: Figure[];
  missing: Missing[];
} {
  const figures: Figure[] = [];
  const missing: Missing[] = [];
  const add = (id: string, what: string, value: number, unit: string, note = depth) =>
    figures.push({ id: `smolvlm.${id}`, what, value, unit, note });
  add("load.fovea", "load: Fovea", loadMs, "ms");
  add("first.fovea", "first question after it, one view, to first token: Fovea", first.firstMs, "ms");
  for (const { id, what, kind, value, unit } of MEASURES) {
    const own = compared.flatMap(({ rounds }) => rounds[kind]?.fovea ?? []);
    const note = `${own[0]?.promptTokens} tokens; ${depth}`;
    if (own.length > 0) add(`${id}.fovea`, `${what}: Fovea`, median(own.map(value)), unit, note);
    else missing.push({ what: `${what}: Fovea`, reason: "no peer to take turns with" });
  }
  for (const { device, loadMs, first, rounds, reasons, error } of compared) {
    const peer = `${name} on ${DEVICES[device]}`;
    const lacks = (what: string, reason = "not run") => missing.push({ what: `${what}: ${peer}`, reason });
    if (loadMs === undefined) lacks("load", reasons.view);
    else add(`load.${device}`, `load: ${peer}`, loadMs, "ms");
    const asked = "first question after it, one view, to first token";
    if (!first) lacks(asked, reasons.view);
    else add(`first.${device}`, `${asked}: ${peer}`, first.firstMs, "ms");
    for (const { id, what, kind, value, unit } of MEASURES) {
      const both = rounds[kind];
      if (!both) {
        lacks(what, reasons[kind]);
        continue;
      }
      const [own, theirs] = [both.fovea.map(value), both.peer.map(value)];
      const ratio = unit === "ms" ? medianRatio(theirs, own) : medianRatio(own, theirs);
      const only = both.isFirst ? "; one round, the peer's first answer, shaders compiled on the way" : "";
      const note = `${both.peer[0]!.promptTokens} tokens; ${depth}${only}`;
      add(`${id}.${device}`, `${what}: ${peer}`, median(theirs), unit, note);
      add(`${id}.${device}.ratio`, `${what}: Fovea faster than ${peer} by`, ratio, "x", note);
    }
    if (error !== undefined) add(`error.${device}`, `largest difference in logits: ${peer}`, error, "NMSE");
  }
  return { figures, missing };
}
