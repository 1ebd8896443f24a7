/**
 * Fovea beside onnxruntime-web: the same weights, inputs and adapter, in one page, in turns. Both must compute the same
 * before anything is timed. Browser only; the peer's files and graphs come from browser-host.ts.
 */
import { parseConfig } from "../../src/model/config.ts";
import {
  type Contender,
  type Decoding,
  foveaDecoding,
  foveaVision,
  ortDecoding,
  ortVision,
} from "../peers/contenders.ts";
import { loadOrt } from "../peers/ort.ts";
import { median, medianRatio, takeTurns } from "./measure.ts";
import { VIT_TINY } from "./models.ts";
import type { Part } from "./part.ts";
import type { Figure } from "./result.ts";

/** Tokens of the prompt. */
const PROMPT = 64;
/** Two engines that sum in different orders; seen below 1e-9. Different weights or positions give 1e-2 and more. */
const NMSE_SAME = 1e-6;

/** The image encoder: ViT-Tiny at 224. */
export const compareVision: Part = async ({ gpu, size, vitFolder, progress }) => {
  const json = size === "tiny" ? { ...VIT_TINY, num_hidden_layers: 1 } : VIT_TINY;
  progress("opening both engines");
  const fovea = await foveaVision(gpu, size === "tiny" ? undefined : vitFolder, json);
  const { imageSize } = parseConfig(json).vision!;
  const peers = [await ortVision("webgpu", imageSize), await ortVision("wasm", imageSize)] as const;
  const rounds = size === "large" ? 20 : 3;
  const weights = vitFolder && size !== "tiny" ? "trained weights" : "random weights";
  const figures = await compare({ id: "vision", what: "ViT-Tiny at 224", fovea, peers, rounds, progress });
  for (const peer of peers) await peer.dispose();
  return figures.map((figure) => ({ ...figure, note: weights }));
};

/** A decoder with weights of 4 bits: a prompt, and a token behind it. */
export const compareDecoder: Part = async ({ gpu, size, progress }) => {
  const ids = Uint32Array.from({ length: (size === "tiny" ? 4 : PROMPT) + 1 }, (_, i) => (37 * i * i + 11) % 4096);
  progress("opening both engines");
  const fovea = await foveaDecoding(gpu, ids);
  const peers: Decoding[] = [
    await ortDecoding("webgpu", fovea.config, ids),
    await ortDecoding("wasm", fovea.config, ids),
  ];
  const rounds = size === "large" ? 20 : 3;
  const of = (what: "prefill" | "step") => [peers[0]![what], peers[1]![what]] as const;
  const prompt = `prefill of ${ids.length - 1} tokens, Llama of 20 M parameters, 4 bits`;
  const figures = [
    ...(await compare({ id: "prefill", what: prompt, fovea: fovea.prefill, peers: of("prefill"), rounds, progress })),
    // Fovea's cache holds the prompt that was last run.
    ...(await compare({
      ...{ id: "decode", what: `a token behind ${ids.length - 1}, the same model` },
      ...{ fovea: fovea.step, peers: of("step"), rounds: 2 * rounds + 1, progress },
    })),
  ];
  for (const { step } of peers) await step.dispose();
  return figures;
};

interface Comparison {
  id: string;
  what: string;
  fovea: Contender;
  /** On WebGPU, on WebAssembly. */
  peers: readonly [Contender, Contender];
  rounds: number;
  progress: (what: string) => void;
}

async function compare({ id, what, fovea, peers, rounds, progress }: Comparison): Promise<Figure[]> {
  const version = (await loadOrt()).env.versions.web ?? "";
  const [onGpu, onCpu] = [`onnxruntime-web ${version} on WebGPU`, `onnxruntime-web ${version} on WebAssembly`];
  progress(`${what}: do both compute the same?`);
  const own = await fovea.run();
  const errors = [nmse(await peers[0].run(), own), nmse(await peers[1].run(), own)] as const;
  for (const [i, error] of errors.entries())
    if (!(error <= NMSE_SAME))
      throw new Error(`${what}: Fovea and ${[onGpu, onCpu][i]} differ by an NMSE of ${error}: nothing to compare`);
  progress(`${what}: ${rounds} rounds`);
  const works = [fovea, ...peers].map((contender) => () => contender.run());
  const [ours, gpu, cpu] = (await takeTurns(works, rounds)) as [number[], number[], number[]];
  const ms = (name: string, key: string, times: number[]): Figure => ({
    ...{ id: `compare.${id}.${key}`, what: `${what}: ${name}`, value: median(times), unit: "ms" },
  });
  return [
    { id: `compare.${id}`, what: `${what}: faster than ${onGpu}`, value: medianRatio(gpu, ours), unit: "x" },
    { id: `compare.${id}.wasm`, what: `${what}: faster than ${onCpu}`, value: medianRatio(cpu, ours), unit: "x" },
    ms("Fovea", "fovea", ours),
    ms(onGpu, "gpu-ms", gpu),
    ms(onCpu, "wasm-ms", cpu),
    {
      id: `compare.${id}.error`,
      what: `${what}: largest difference in logits`,
      value: Math.max(...errors),
      unit: "NMSE",
    },
  ];
}

/** The squared difference over the squares of `expected`; NaN where there is one. */
function nmse(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.NaN;
  let [error, energy] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    error += (actual[i]! - expected[i]!) ** 2;
    energy += expected[i]! ** 2;
  }
  return error / energy;
}
