/** The engine and PyTorch agree on the shipped weights: greedy answers and logits, see training/reference.py. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import reference from "../../eval/parity/reference.json";
import { Fovea } from "../../src/engine/fovea.ts";
import { nmse } from "../support/compare.ts";
import { NMSE_SHIPPED_MODEL } from "../support/tolerances.ts";

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

async function pictureOf(name: string): Promise<Blob> {
  return new Blob([(await bytesOf(`/eval/set/${name}`)) as Uint8Array<ArrayBuffer>], { type: "image/png" });
}

describe("the shipped model", () => {
  let fovea: Fovea;
  let normalise: (value: number, channel: number) => number;
  beforeAll(async () => {
    const entries = await Promise.all(FILES.map(async (name) => [name, await bytesOf(`/fovea-demo/${name}`)] as const));
    const files = Object.fromEntries(entries);
    fovea = await Fovea.load(files);
    const config = JSON.parse(new TextDecoder().decode(files["preprocessor_config.json"]));
    normalise = (value, channel) => (value / 255 - config.image_mean[channel]) / config.image_std[channel];
  });
  afterAll(() => fovea.dispose());

  test("logits at the end of a prompt", async () => {
    expect(reference.logits.length).toBeGreaterThan(0);
    for (const { image, ids, rows, values } of reference.logits) {
      const { data, width, height } = await pixelsOf(await pictureOf(image));
      const pixels = Float32Array.from({ length: 3 * width * height }, (_, i) => {
        const channel = Math.floor(i / (width * height));
        return normalise(data[4 * (i % (width * height)) + channel]!, channel);
      });
      const { logits } = await fovea.inspect({
        pixelValues: [{ data: pixels, shape: [3, height, width] }],
        inputIds: ids,
      });
      const expected = new Float32Array(Uint8Array.from(atob(values), (character) => character.charCodeAt(0)).buffer);
      expect(nmse(logits.data.subarray(-rows * logits.cols), expected)).toBeLessThan(NMSE_SHIPPED_MODEL);
    }
  });

  test("the same greedy answers", async () => {
    const different: string[] = [];
    for (const { image, prompt, answer } of reference.greedy) {
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
    expect(different).toEqual([]);
  });
});

async function pixelsOf(picture: Blob): Promise<ImageData> {
  const bitmap = await createImageBitmap(picture);
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d")!;
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}
