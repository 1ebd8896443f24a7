/** The targets, row by row, and the verdict of a run. Pure. */
import type { Figure } from "./parts/result.ts";

export interface Target {
  /** The measured quantity, in words. */
  figure: string;
  /** The target value, in words. */
  reach: (software: boolean) => string;
  /** Figures that count; the worst of them decides. */
  ids: readonly string[];
  isReached: (value: number, software: boolean) => boolean;
  /** True if larger values are worse. */
  least?: boolean;
  /** The figure means nothing on a software adapter. */
  needsGpu?: boolean;
  /** The benchmark part that measures it. */
  part: string;
}

/** 10 times as fast as the peer on software adapters, twice on GPUs. */
function fasterThanPeer(figure: string, id: string, part: string): Target {
  const times = (software: boolean) => (software ? 10 : 2);
  return {
    figure: `${figure}, against onnxruntime-web's WebGPU backend`,
    reach: (software) => `${times(software)}x faster`,
    ids: [id],
    isReached: (value, software) => value >= times(software),
    part,
  };
}

function atLeast(figure: string, unit: string, value: number, rest: Pick<Target, "ids" | "part" | "needsGpu">): Target {
  return { figure, reach: () => `at least ${value}${unit}`, isReached: (found) => found >= value, ...rest };
}

function atMost(figure: string, unit: string, value: number, rest: Pick<Target, "ids" | "part">): Target {
  return { figure, reach: () => `at most ${value}${unit}`, isReached: (found) => found <= value, least: true, ...rest };
}

export const TARGETS: readonly Target[] = [
  fasterThanPeer("vision encoder (ViT-Tiny at 224)", "compare.vision", "compare-vision"),
  fasterThanPeer("prefill of 64 tokens (q4 Llama, 20 M)", "compare.prefill", "compare-decoder"),
  fasterThanPeer("decoding (the same model)", "compare.decode", "compare-decoder"),
  atLeast("decoding, share of a plain copy's bandwidth", " %", 80, {
    ids: ["decode.share"],
    part: "decoder",
    needsGpu: true,
  }),
  atLeast("prefill and ViT, share of the best plain matmul", " %", 70, {
    ids: ["prefill.share", "vision.share"],
    part: "decoder,vision",
    needsGpu: true,
  }),
  atMost("dispatches per decoder layer and token", "", 7, { ids: ["dispatches.gpu"], part: "decoder" }),
  atMost("the same, inhibited", "", 9, { ids: ["dispatches.gpu.inhibited"], part: "decoder" }),
  atMost("submits per token", "", 1, { ids: ["submits"], part: "decoder" }),
  atLeast("VMTC at 50 %, picture to first token: speedup", "x", 1.5, { ids: ["cost.first-token"], part: "cost" }),
  atMost("the compression stages, share of the encoder", " %", 5, { ids: ["cost.stages.share"], part: "cost" }),
  atLeast("SmolVLM-256M, 5 views, VMTC at 50 %, picture to first token: speedup", "x", 1.4, {
    ids: ["views.vmtc-50-5"],
    part: "views",
  }),
  atLeast("the same at 25 %", "x", 1.7, { ids: ["views.vmtc-25-5"], part: "views" }),
  atMost("its compression stages, share of the encoder", " %", 5, { ids: ["views.stages-5.share"], part: "views" }),
  atLeast("5 views in one batch against one by one: fewer dispatches", "x", 5, {
    ids: ["views.single-5.fewer-dispatches"],
    part: "views",
  }),
  atLeast("views in batches against one by one: speedup", "x", 1, {
    ids: ["views.single-5", "views.single-13"],
    part: "views",
  }),
  atMost("inhibition at 0.6, decoding: slowdown", " %", 10, {
    ids: ["cost.inhibition.token-576", "cost.inhibition.token-288"],
    part: "cost",
  }),
  atLeast("constrained decoding, share of free decoding", " %", 70, { ids: ["formats.share"], part: "formats" }),
  atMost("second question about a picture, time to first token, share of the first's", " %", 15, {
    ids: ["reuse.second"],
    part: "reuse",
  }),
  atMost("library, element and worker, brotli, before a model", " kB", 150, {
    ids: ["size.element"],
    part: "size",
  }),
  atMost("page open to ready, second visit, fovea-demo", " s", 1, { ids: ["open.second"], part: "open" }),
  atMost("GPU memory besides weights and KV cache, share of them", " %", 15, {
    ids: ["memory.rest.share"],
    part: "load",
  }),
];

export interface Verdict {
  target: Target;
  /** The deciding figure; undefined where none was measured. */
  figure: Figure | undefined;
  /** Undefined if a figure is missing or needs a GPU. */
  isReached: boolean | undefined;
}

/** @param figures of all parts, by id */
export function judge(figures: ReadonlyMap<string, Figure>, software: boolean): Verdict[] {
  return TARGETS.map((target) => {
    const found = target.ids.flatMap((id) => figures.get(id) ?? []);
    if (found.length < target.ids.length) return { target, figure: undefined, isReached: undefined };
    const worse = (a: Figure, b: Figure) => (target.least ? a.value > b.value : a.value < b.value);
    const figure = found.reduce((worst, each) => (worse(each, worst) ? each : worst));
    const cannotTell = target.needsGpu && software;
    return { target, figure, isReached: cannotTell ? undefined : target.isReached(figure.value, software) };
  });
}
