/**
 * Fovea against onnxruntime-web: the same weights, inputs and adapter, in one page, in turns. Both must compute the
 * same result before anything is timed. Browser only; browser-host.ts serves the peer's files and graphs.
 */
import { describeModel } from "../../test/support/describe-model.ts";
import { type Contender, foveaDecoding, foveaVision, ortDecoding, ortVision } from "../peers/contenders.ts";
import { loadOrt, type Provider } from "../peers/ort.ts";
import { median, medianRatio, nmse, takeTurns } from "./measure.ts";
import { VIT_TINY } from "./models.ts";
import type { Part } from "./part.ts";
import type { Figure, SizeName } from "./result.ts";
import { pictureSide } from "./vision-subject.ts";

/** Tokens of the prompt. */
const PROMPT = 64;
/**
 * For two engines that sum in different orders: measured below 1e-9. Different weights or positions give 1e-2 and more.
 */
const NMSE_SAME = 1e-6;

/** The image encoder: ViT-Tiny at 224. */
export const compareVision: Part = async ({ gpu, size, vitFolder, progress }) => {
  const json = size === "tiny" ? { ...VIT_TINY, num_hidden_layers: 1 } : VIT_TINY;
  progress("opening both engines");
  const trained = size === "tiny" ? undefined : vitFolder;
  const fovea = await foveaVision(gpu, trained, json);
  const side = pictureSide(describeModel({ "config.json": json }).encoder!);
  const peers = [await ortVision("webgpu", side), await ortVision("wasm", side)] as const;
  const what = `ViT-Tiny at 224, ${trained ? "trained" : "random"} weights`;
  const figures = await compare({ id: "vision", what, fovea, peers, rounds: roundsOf(size), progress });
  for (const peer of peers) await peer.dispose();
  return figures;
};

/** A decoder with 4-bit weights: a prompt, and a token after it. */
export const compareDecoder: Part = async ({ gpu, size, progress }) => {
  const ids = Uint32Array.from({ length: (size === "tiny" ? 4 : PROMPT) + 1 }, (_, i) => (37 * i * i + 11) % 4096);
  progress("opening both engines");
  const fovea = await foveaDecoding(gpu, ids);
  const open = (provider: Provider) => ortDecoding(provider, fovea.spec, ids);
  const [onGpu, onCpu] = [await open("webgpu"), await open("wasm")];
  const own = await fovea.prefill.run();
  const error = nmse(await onGpu.prefill.run(), own);
  const isRight = error <= NMSE_SAME;
  const right = isRight ? onGpu : await open("webgpu-plain");
  const prefill = await compare({
    ...{ id: "prefill", what: `prefill of ${ids.length - 1} tokens, q4 Llama of 20 M parameters` },
    ...{ fovea: fovea.prefill, peers: [right.prefill, onCpu.prefill], rounds: roundsOf(size), progress },
    ...(isRight ? {} : { wrong: { contender: onGpu.prefill, error } }),
  });
  const step = await compare({
    ...{ id: "decode", what: `a token after ${ids.length - 1}, the same model` },
    ...{ fovea: fovea.step, peers: [onGpu.step, onCpu.step], rounds: 2 * roundsOf(size) + 1, progress },
  });
  for (const peer of new Set([onGpu, onCpu, right])) await peer.step.dispose();
  return [...prefill, ...step];
};

function roundsOf(size: SizeName): number {
  return { tiny: 1, small: 3, large: 20 }[size];
}

interface Comparison {
  id: string;
  what: string;
  fovea: Contender;
  /** On WebGPU, on WebAssembly. */
  peers: readonly [Contender, Contender];
  /** The peer on plain WebGPU, if its result is known to be wrong on this adapter; timed and listed separately. */
  wrong?: { contender: Contender; error: number };
  rounds: number;
  progress: (what: string) => void;
}

async function compare({ id, what, fovea, peers, wrong, rounds, progress }: Comparison): Promise<Figure[]> {
  const name = `onnxruntime-web ${(await loadOrt()).env.versions.web ?? ""}`;
  progress(`${what}: do both compute the same?`);
  const own = await fovea.run();
  const errors: number[] = [];
  for (const peer of peers) errors.push(nmse(await peer.run(), own));
  if (!errors.every((each) => each <= NMSE_SAME))
    throw new Error(`${what}: Fovea and ${name} differ by an NMSE of ${errors.join(", ")}: nothing to compare`);
  progress(`${what}: ${rounds} rounds`);
  const [ratios, milliseconds]: [Figure[], Figure[]] = [[], []];
  let ours: number[] = [];
  for (const { key, peer, note, where } of kindsOf(peers, wrong)) {
    // One peer at a time: idle WebAssembly threads may keep spinning while others run.
    const [own, theirs] = (await takeTurns([() => fovea.run(), () => peer.run()], rounds)) as [number[], number[]];
    const rest = note === undefined ? {} : { note };
    const [figure, other] = [`compare.${id}${key}`, `${name} ${where}`];
    ratios.push({
      id: figure,
      what: `${what}: faster than ${other}`,
      value: medianRatio(theirs, own),
      unit: "x",
      ...rest,
    });
    milliseconds.push({ id: `${figure}.ms`, what: `${what}: ${other}`, value: median(theirs), unit: "ms", ...rest });
    ours = [...ours, ...own];
  }
  return [
    ...ratios,
    { id: `compare.${id}.fovea.ms`, what: `${what}: Fovea`, value: median(ours), unit: "ms" },
    ...milliseconds,
    {
      id: `compare.${id}.error`,
      what: `${what}: largest difference in logits`,
      value: Math.max(...errors),
      unit: "NMSE",
    },
  ];
}

interface Kind {
  /** Part of the figures' ids. */
  key: string;
  where: string;
  peer: Contender;
  note?: string;
}

function kindsOf([onGpu, onCpu]: Comparison["peers"], wrong: Comparison["wrong"]): Kind[] {
  const cpu = { key: ".wasm", where: "on WebAssembly", peer: onCpu };
  if (!wrong) return [{ key: "", where: "on WebGPU", peer: onGpu }, cpu];
  const note = `its logits are wrong here, by an NMSE of ${wrong.error.toFixed(2)}`;
  return [
    {
      key: "",
      where: "on WebGPU",
      peer: onGpu,
      note: "without subgroups, because with them its logits are wrong here",
    },
    { key: ".wrong", where: "on WebGPU as it comes", peer: wrong.contender, note },
    cpu,
  ];
}
