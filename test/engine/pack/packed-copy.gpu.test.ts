import { expect, test } from "vitest";
import type { ModelFiles } from "../../../src/api.ts";
import { Fovea } from "../../../src/engine/fovea.ts";
import { packModel } from "../../../src/engine/pack/pack-model.ts";
import { openFolder } from "../../../src/weights/folder.ts";
import { rawTensors } from "../../reference/packed-formats.ts";
import { useDevice } from "../../support/gpu.ts";
import { memoryFolder } from "../../support/memory-folder.ts";
import { languageFiles, QUESTION } from "../../support/random-models.ts";
import { shippedModelUrl } from "../../support/shared.ts";
import { safetensorsFile } from "../../weights/safetensors-file.ts";

const { device } = useDevice();

/** The next tokens. */
async function answerOf(files: ModelFiles, weights: "auto" | "q4" | "q8") {
  const fovea = await Fovea.load(files, { weights, device: device() });
  try {
    return await fovea.generate({ messages: [{ role: "user", content: QUESTION }], maxTokens: 12 }).text();
  } finally {
    fovea.dispose();
  }
}

test.for(["q4", "q8"] as const)("a copy in %s answers as the model loaded so", async (weights) => {
  const files = languageFiles();
  const { sink, files: copy } = memoryFolder();
  await packModel(openFolder(files), sink, { source: "test", weights, compact: true });
  const found = await answerOf(copy as ModelFiles, "auto");
  const wanted = await answerOf(files, weights);
  expect(found).toBe(wanted);
  expect(found.split(" ").length).toBeGreaterThan(8);
});

test("convolutions with channels last give the same features", async () => {
  const names = [
    "config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "model.safetensors",
  ];
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  for (const name of names) files[name] = await (await fetch(`${shippedModelUrl()}/${name}`)).bytes();
  const tensors = [...rawTensors(files["model.safetensors"]!)].map(([name, { dtype, shape, bytes }]) => {
    if (!name.endsWith("patch_embedding.weight")) return { name, dtype, shape: [...shape], bytes };
    const [out, channels, height, width] = shape as [number, number, number, number];
    const halves = new Uint16Array(bytes.slice().buffer);
    const moved = new Uint16Array(halves.length);
    for (let o = 0; o < out; o++)
      for (let c = 0; c < channels; c++)
        for (let p = 0; p < height * width; p++)
          moved[(o * height * width + p) * channels + c] = halves[(o * channels + c) * height * width + p]!;
    return { name, dtype, shape: [out, height, width, channels], bytes: new Uint8Array(moved.buffer) };
  });
  const pixels = new ImageData(64, 64);
  for (let i = 0; i < pixels.data.length; i++) pixels.data[i] = i % 4 === 3 ? 255 : (i * 37) % 251;
  const features = async (files: ModelFiles) => {
    const fovea = await Fovea.load(files, { device: device() });
    try {
      return (await fovea.encodeImage(pixels)).features;
    } finally {
      fovea.dispose();
    }
  };
  const wanted = await features(files);
  const found = await features({ ...files, "model.safetensors": safetensorsFile(tensors) });
  expect(found.data).toEqual(wanted.data);
});
