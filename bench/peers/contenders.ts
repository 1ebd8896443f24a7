/** Both engines behind one face: the same work, from values on this side to logits on this side. */
import type { Gpu } from "../../src/gpu/device.ts";
import type { DecoderConfig } from "../../src/model/config.ts";
import { DecoderSubject } from "../parts/decoder-subject.ts";
import { noisePixels, VisionSubject } from "../parts/vision-subject.ts";
import { cacheNames } from "./cache-names.ts";
import { loadOrt, type OrtTensor, openSession, type Provider } from "./ort.ts";

/** An engine and its model, ready. */
export interface Contender {
  run(): Promise<Float32Array>;
  dispose(): Promise<void>;
}

async function graph(address: string): Promise<Uint8Array> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Where the graphs are served, which Node writes when they are asked for. */
export const VIT_GRAPH = "/graphs/vit.onnx";
export const LLAMA_GRAPH = "/graphs/llama.onnx";

/** @param json of the config, where there is no folder */
export async function foveaVision(gpu: Gpu, folder: string | undefined, json: object): Promise<Contender> {
  const subject = await VisionSubject.open(gpu, folder === undefined ? { json } : { folder });
  const pixels = noisePixels(subject.config.vision.imageSize);
  await gpu.compile(subject.record);
  return { run: () => subject.run(pixels), dispose: async () => {} };
}

export async function ortVision(provider: Provider, size: number): Promise<Contender> {
  const ort = await loadOrt();
  const session = await openSession(await graph(VIT_GRAPH), provider);
  const pixels = new ort.Tensor("float32", noisePixels(size), [1, 3, size, size]);
  return {
    run: async () => (await session.run({ pixels })).logits!.data as Float32Array,
    dispose: () => session.release(),
  };
}

/** A prompt, and the token behind it. */
export interface Decoding {
  prefill: Contender;
  /** Behind the prompt; the same step each time. */
  step: Contender;
}

/** @param ids of the prompt, and the one behind it */
export async function foveaDecoding(gpu: Gpu, ids: Uint32Array): Promise<Decoding & { config: DecoderConfig }> {
  const subject = new DecoderSubject(gpu, { capacity: 2 * ids.length });
  const prompt = ids.subarray(0, -1);
  await gpu.compile((recorder) => {
    subject.record(recorder, prompt.length, 0);
    subject.record(recorder, 1, prompt.length);
  });
  const dispose = async () => {};
  return {
    config: subject.config,
    prefill: { run: () => subject.run(prompt, 0), dispose },
    step: { run: () => subject.run(ids.subarray(-1), prompt.length), dispose },
  };
}

/**
 * Rows of a prompt at a time for the token behind it: on an adapter with subgroups of 4 the peer's attention is right for 16 rows
 * and wrong for 40, and its caches with it.
 */
const SAFE_ROWS = 16;

export async function ortDecoding(provider: Provider, config: DecoderConfig, ids: Uint32Array): Promise<Decoding> {
  const { layers, keyHeads, headWidth } = config;
  const ort = await loadOrt();
  const names = Array.from({ length: layers }, (_, layer) => cacheNames(layer));
  const present = names.flatMap((each) => each.present);
  const session = await openSession(await graph(LLAMA_GRAPH), provider, present);
  const empty = () => new ort.Tensor("float32", new Float32Array(0), [1, keyHeads, 0, headWidth]);
  const noPast: Tensors = Object.fromEntries(names.flatMap(({ past }) => past.map((name) => [name, empty()])));
  /** Runs rows `first` to `end` behind the caches of those before. */
  const run = (first: number, end: number, past: Tensors) =>
    session.run({
      ids: new ort.Tensor("int64", BigInt64Array.from(ids.subarray(first, end), BigInt), [1, end - first]),
      seqlens: new ort.Tensor("int32", Int32Array.of(end - 1), [1]),
      total: new ort.Tensor("int32", Int32Array.of(end), []),
      ...past,
    });
  const prompt = ids.length - 1;
  let past = noPast;
  for (let first = 0; first < prompt; first += SAFE_ROWS) {
    const outputs = await run(first, Math.min(first + SAFE_ROWS, prompt), past);
    past = Object.fromEntries(
      names.flatMap((each) => each.past.map((name, i) => [name, outputs[each.present[i]!]!] as const)),
    );
  }
  return {
    prefill: { run: () => logitsOf(run(0, prompt, noPast), present), dispose: async () => {} },
    step: { run: () => logitsOf(run(prompt, prompt + 1, past), present), dispose: () => session.release() },
  };
}

type Tensors = Record<string, OrtTensor>;

/** The logits; frees the caches that came with them. */
async function logitsOf(running: Promise<Tensors>, present: string[]): Promise<Float32Array> {
  const outputs = await running;
  for (const name of present) outputs[name]?.dispose();
  return outputs.logits!.data as Float32Array;
}
