/** The model that ships, on the answers and logits that PyTorch gave with it, see training/reference.py. */
import { expect } from "vitest";
import reference from "../../eval/parity/reference.json";
import type { LoadOptions } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { nmse } from "./compare.ts";

const FILES = [
  "config.json",
  "preprocessor_config.json",
  "model.safetensors",
  "tokenizer.json",
  "tokenizer_config.json",
];
async function bytesOf(path: string): Promise<Uint8Array> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
  return response.bytes();
}

/** Loads it with its weights in this format, and frees it after `body`. */
export async function withShippedModel(
  weights: "auto" | "f16" | "q8" | "q4",
  body: (fovea: Fovea) => Promise<void>,
  options: Pick<LoadOptions, "device"> = {},
): Promise<void> {
  const entries = await Promise.all(FILES.map(async (name) => [name, await bytesOf(`/fovea-demo/${name}`)] as const));
  const fovea = await Fovea.load(Object.fromEntries(entries), { weights, ...options });
  try {
    await body(fovea);
  } finally {
    fovea.dispose();
  }
}

/** NMSE of the last rows' logits, for each prompt of the reference. */
export async function logitErrors(fovea: Fovea): Promise<number[]> {
  expect(reference.logits.length).toBeGreaterThan(0);
  const { image_mean: mean, image_std: deviation } = await fetch("/fovea-demo/preprocessor_config.json").then(
    (response) => response.json(),
  );
  const errors: number[] = [];
  for (const { image, ids, rows, values } of reference.logits) {
    const { data, width, height } = await pixelsOf(await pictureOf(image));
    const pixels = Float32Array.from({ length: 3 * width * height }, (_, i) => {
      const channel = Math.floor(i / (width * height));
      return (data[4 * (i % (width * height)) + channel]! / 255 - mean[channel]) / deviation[channel];
    });
    const { logits } = await fovea.inspect({
      pixelValues: [{ data: pixels, shape: [3, height, width] }],
      inputIds: ids,
    });
    const expected = new Float32Array(Uint8Array.from(atob(values), (character) => character.charCodeAt(0)).buffer);
    errors.push(nmse(logits.data.subarray(-rows * logits.cols), expected));
  }
  return errors;
}

/** Which answers are not those of PyTorch. */
export async function otherAnswers(fovea: Fovea, questions: typeof reference.greedy): Promise<string[]> {
  const different: string[] = [];
  for (const { image, prompt, answer } of questions) {
    const content = [
      { type: "image", image: await pictureOf(image) } as const,
      { type: "text", text: prompt } as const,
    ];
    const said = await fovea
      .generate({
        messages: [{ role: "user", content }],
        compression: { method: "none" },
        inhibition: { maxRatio: 0 },
        maxTokens: 80,
      })
      .text();
    if (said.trim() !== answer) different.push(`${image} ${prompt}: ${said}, PyTorch: ${answer}`);
  }
  return different;
}

/** Fails unless the model that ships answers its first question as PyTorch did. */
export async function expectShippedAnswer(fovea: Fovea): Promise<void> {
  expect(await otherAnswers(fovea, reference.greedy.slice(0, 1))).toEqual([]);
}

async function pictureOf(name: string): Promise<Blob> {
  return new Blob([(await bytesOf(`/eval/set/${name}`)) as Uint8Array<ArrayBuffer>], { type: "image/png" });
}

async function pixelsOf(picture: Blob): Promise<ImageData> {
  const bitmap = await createImageBitmap(picture);
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d")!;
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}
