/** The graphs that the peer runs, written from the weights that Fovea runs. Node only. */
import { existsSync, readFileSync } from "node:fs";
import { parseConfig } from "../../src/model/config.ts";
import { type WeightSlot, weightSlots } from "../../src/model/names.ts";
import { readSafetensors } from "../../test/reference/model/weights.ts";
import { LLAMA_20M, slotValues, VIT_TINY } from "../parts/models.ts";
import { llamaGraph } from "./onnx-llama.ts";
import { vitGraph } from "./onnx-vit.ts";

/** @param folder with the trained ViT-Tiny, read in place; without it weights are random @param blocks of the random one */
export function writeVitGraph(
  folder: string | undefined,
  blocks = VIT_TINY.num_hidden_layers,
): Uint8Array<ArrayBuffer> {
  const isTrained = folder !== undefined && existsSync(`${folder}/model.safetensors`);
  const json = isTrained
    ? JSON.parse(readFileSync(`${folder}/config.json`, "utf8"))
    : { ...VIT_TINY, num_hidden_layers: blocks };
  const config = parseConfig(json);
  const slots = new Map(weightSlots(config).map((slot) => [slot.name, slot]));
  const tensors = isTrained ? readSafetensors(readFileSync(`${folder}/model.safetensors`)) : undefined;
  const values = (name: string): Float32Array => {
    const slot = slots.get(name)!;
    return tensors ? slotOf(slot, (part) => tensors.get(part)?.data) : slotValues(slot);
  };
  return vitGraph(config.vision!, config.classes!.length, values);
}

export function writeLlamaGraph(): Uint8Array<ArrayBuffer> {
  return llamaGraph(parseConfig(LLAMA_20M).decoder!);
}

/** Values of a slot from the tensors that fill it. */
function slotOf({ parts }: WeightSlot, read: (name: string) => Float64Array | undefined): Float32Array {
  const found = parts.map(({ names }) => names.map(read).find(Boolean)!);
  return Float32Array.from(found.flatMap((values) => [...values]));
}
