/** The peer's graphs, written from the same weights that Fovea runs. Node only. */
import { existsSync, readFileSync } from "node:fs";
import type { TensorSpec } from "../../src/spec/tensor-spec.ts";
import { readSafetensors } from "../../test/reference/model/weights.ts";
import { describeModel } from "../../test/support/describe-model.ts";
import { LLAMA_20M, tensorValues, VIT_TINY } from "../parts/models.ts";
import { llamaGraph } from "./onnx-llama.ts";
import { vitGraph } from "./onnx-vit.ts";

/**
 * @param folder with the trained ViT-Tiny, read in place; without it weights are random
 * @param blocks of the random one
 */
export function writeVitGraph(
  folder: string | undefined,
  blocks = VIT_TINY.num_hidden_layers,
): Uint8Array<ArrayBuffer> {
  const isTrained = folder !== undefined && existsSync(`${folder}/model.safetensors`);
  const json = isTrained
    ? JSON.parse(readFileSync(`${folder}/config.json`, "utf8"))
    : { ...VIT_TINY, num_hidden_layers: blocks };
  const { encoder, classes, tensors } = describeModel({ "config.json": json });
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const trained = isTrained ? readSafetensors(readFileSync(`${folder}/model.safetensors`)) : undefined;
  const values = (name: string): Float32Array => {
    const tensor = byName.get(name)!;
    return trained ? joinParts(tensor, (part) => trained.get(part)?.data) : tensorValues(tensor);
  };
  return vitGraph(encoder!, classes!.length, values);
}

/** The ONNX file of the measured Llama. */
export function writeLlamaGraph(): Uint8Array<ArrayBuffer> {
  return llamaGraph(describeModel({ "config.json": LLAMA_20M }).decoder!);
}

/** Values of a tensor from the parts that fill it. */
function joinParts({ parts }: TensorSpec, read: (name: string) => Float64Array | undefined): Float32Array {
  const found = parts.map(({ names }) => names.map(read).find(Boolean)!);
  return Float32Array.from(found.flatMap((values) => [...values]));
}
