/**
 * Families whose goldens show photographs alone: decoders of JPEG differ, so golden.gpu.test.ts compares them loosely. Here
 * the reference's own pixels go in as a picture that needs no resize, and everything is compared closely.
 */
import { describe, expect, test } from "vitest";
import { Fovea } from "../../src/engine/fovea.ts";
import { familyNames } from "../../src/families/registry.ts";
import { expectNmse } from "../support/compare.ts";
import { type FamilyPrompt, type GoldenFamily, loadFamily, requestOf, sourceOf } from "../support/golden-family.ts";
import { useDevice } from "../support/gpu.ts";
import { NMSE_MODEL } from "../support/tolerances.ts";

/** Folder -> family; see golden.gpu.test.ts. */
const FOLDERS: Record<string, string> = JSON.parse(import.meta.env.VITE_FAMILY_FOLDERS);
const QUERIED: readonly string[] = ["blip-2", "instructblip", "qwen", "mplug_owl2", "idefics"];
const folders = Object.keys(FOLDERS).filter(
  (folder) => QUERIED.includes(FOLDERS[folder]!) && familyNames().includes(FOLDERS[folder]!),
);

const MEAN = [0.48145466, 0.4578275, 0.40821073];
const STD = [0.26862954, 0.26130258, 0.27577711];

// Their goldens weigh too much for a clone.
if (folders.length === 0) test.skip("learned queries [needs ../shared/golden/families]", () => {});

const { device } = useDevice();

describe.runIf(folders.length > 0).for(folders)("%s", (folder) => {
  test("from the reference's pixels", async () => {
    const golden = await loadFamily(folder);
    const fovea = await Fovea.load(await sourceOf(folder), { weights: "f32", precision: "f32", device: device() });
    for (const prompt of golden.prompts) {
      const request = await requestOf(prompt);
      const messages = withPictures(request.messages!, picturesOf(golden, prompt));
      const { images, logits, greedy, greedyLogits } = await fovea.inspect({ ...request, messages });
      const joined = (parts: readonly Float32Array[]) => Float32Array.from(parts.flatMap((part) => [...part]));
      const views = images.flatMap((image) => image.views);
      const compared = {
        features: joined(views.map(({ features }) => features.data)),
        projected: joined(images.map(({ projected }) => projected.data)),
        logits: logits.data,
        greedy_logits: greedyLogits.data,
      };
      for (const [name, actual] of Object.entries(compared))
        expectNmse(`${prompt.name}.${name}`, actual, golden.expected.get(`${prompt.name}.${name}`)!.data, NMSE_MODEL);
      expect(greedy).toEqual(prompt.greedy);
    }
    fovea.dispose();
  });
});

/** The processed pictures of a prompt, as bytes. */
function picturesOf({ expected }: GoldenFamily, { name }: FamilyPrompt): ImageData[] {
  const { data, shape } = expected.get(`${name}.pixels`)!;
  const [count, , height, width] = shape as [number, number, number, number];
  return Array.from({ length: count }, (_, picture) => {
    const bytes = new Uint8ClampedArray(4 * height * width).fill(255);
    for (let channel = 0; channel < 3; channel++)
      for (let at = 0; at < height * width; at++) {
        const value = data[((picture * 3 + channel) * height * width + at) as number]!;
        bytes[4 * at + channel] = Math.round(255 * (value * STD[channel]! + MEAN[channel]!));
      }
    return new ImageData(bytes, width, height);
  });
}

type Messages = NonNullable<Parameters<Fovea["inspect"]>[0]["messages"]>;

function withPictures(messages: Messages, pictures: ImageData[]): Messages {
  return messages.map((message) => ({
    ...message,
    content:
      typeof message.content === "string"
        ? message.content
        : message.content.map((part) => (part.type === "image" ? { ...part, image: pictures.shift()! } : part)),
  }));
}
