/** Both engines behind one interface: the same work, from values in CPU memory to logits in CPU memory. */
import type { Gpu } from "../../src/gpu/device.ts";
import type { DecoderSpec } from "../../src/spec/model-spec.ts";
import { DecoderSubject } from "../parts/decoder-subject.ts";
import { noisePixels, pictureSide, VisionSubject } from "../parts/vision-subject.ts";
import { cacheNames } from "./cache-names.ts";
import { loadOrt, type OrtTensor, openSession, type Provider } from "./ort.ts";

/** An engine with a loaded model. */
export interface Contender {
  run(): Promise<Float32Array>;
  dispose(): Promise<void>;
}

async function graph(address: string): Promise<Uint8Array> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Addresses of the graphs; Node writes them on request. */
export const VIT_GRAPH = "/graphs/vit.onnx";
export const LLAMA_GRAPH = "/graphs/llama.onnx";

/** @param json the config, if there is no folder */
export async function foveaVision(gpu: Gpu, folder: string | undefined, json: object): Promise<Contender> {
  const subject = await VisionSubject.open(gpu, folder === undefined ? { json } : { folder });
  const pixels = noisePixels(pictureSide(subject.spec));
  await subject.compile();
  return { run: () => subject.run(pixels), dispose: async () => {} };
}

/** The ViT in onnxruntime-web, on random pixels [1, 3, size, size]. `dispose` releases the session. */
export async function ortVision(provider: Provider, size: number): Promise<Contender> {
  const ort = await loadOrt();
  const session = await openSession(await graph(VIT_GRAPH), provider);
  const pixels = new ort.Tensor("float32", noisePixels(size), [1, 3, size, size]);
  return {
    run: async () => (await session.run({ pixels })).logits!.data as Float32Array,
    dispose: () => session.release(),
  };
}

/** A prompt, and the token after it. */
export interface Decoding {
  prefill: Contender;
  /** After the prompt; the same step each time. */
  step: Contender;
}

/** @param ids the prompt, and one more token */
export async function foveaDecoding(gpu: Gpu, ids: Uint32Array): Promise<Decoding & { spec: DecoderSpec }> {
  const subject = new DecoderSubject(gpu, { capacity: 2 * ids.length });
  const prompt = ids.subarray(0, -1);
  await gpu.compile((recorder) => {
    subject.record(recorder, prompt.length, 0);
    subject.record(recorder, 1, prompt.length);
  });
  const dispose = async () => {};
  return {
    spec: subject.spec,
    prefill: { run: () => subject.run(prompt, 0), dispose },
    step: { run: () => subject.run(ids.subarray(-1), prompt.length), dispose },
  };
}

/**
 * Prompt rows that run at a time before the measured token. On an adapter with subgroups of 4 the peer's attention is right
 * for 16 rows and wrong for 40, and so are its caches.
 */
const SAFE_ROWS = 16;

/** The Llama in onnxruntime-web: prefill of these ids, then single tokens. `dispose` releases the session. */
export async function ortDecoding(provider: Provider, spec: DecoderSpec, ids: Uint32Array): Promise<Decoding> {
  const { keyHeads, headWidth } = spec.layers[0]!.attention!;
  const ort = await loadOrt();
  const names = spec.layers.map((_, layer) => cacheNames(layer));
  const present = names.flatMap((each) => each.present);
  const session = await openSession(await graph(LLAMA_GRAPH), provider, present);
  const empty = () => new ort.Tensor("float32", new Float32Array(0), [1, keyHeads, 0, headWidth]);
  const noPast: Tensors = Object.fromEntries(names.flatMap(({ past }) => past.map((name) => [name, empty()])));
  /** Runs rows `first` to `end` after the cached rows before them. */
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

/** The logits; frees the caches that the run returned. */
async function logitsOf(running: Promise<Tensors>, present: string[]): Promise<Float32Array> {
  const outputs = await running;
  for (const name of present) outputs[name]?.dispose();
  return outputs.logits!.data as Float32Array;
}
