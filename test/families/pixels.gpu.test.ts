/** From files to the pixel values of all views of a prompt, by the plan of the family itself, for families of one grid a view. */
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { familyNames } from "../../src/families/registry.ts";
import { readFloats } from "../../src/gpu/readback.ts";
import { decodeImage } from "../../src/image/decode.ts";
import { compilePreprocess, preprocess } from "../../src/model/encoder/preprocess.ts";
import { DESCRIPTION_FILES } from "../../src/shared/model-files.ts";
import { readSafetensors } from "../reference/model/weights.ts";
import { describeModel } from "../support/describe-model.ts";
import { type FamilyCase, type FamilyPrompt, hasJpeg } from "../support/golden-family.ts";
import { useGpu } from "../support/gpu.ts";
import { hasShared, sharedBytes, sharedJson, sharedJsonIfAny } from "../support/shared.ts";

const FOLDERS: Record<string, string> = JSON.parse(import.meta.env.VITE_FAMILY_FOLDERS);
const FAMILIES = ["gemma3", "paligemma", "mistral3"].filter((family) => familyNames().includes(family));
const folders = Object.keys(FOLDERS).filter((folder) => FAMILIES.includes(FOLDERS[folder]!));
/** Decoders of JPEG may differ by a few grey levels. */
const JPEG_LEVELS = 4;
/** Of a value, and of a grey level before the normalisation: rounding of f32. */
const LEVEL_ERROR = 1e-3;

describe.for(folders)("%s", (folder) => {
  const { gpu } = useGpu();
  let idleBytes = 0;
  beforeAll(async () => {
    await compilePreprocess(gpu());
    idleBytes = gpu().arena.bytes;
  });
  afterEach(() => expect(gpu().arena.bytes).toBe(idleBytes));

  test("pixels of every prompt", async () => {
    const root = `golden/families/${folder}`;
    const { prompts } = await sharedJson<FamilyCase>(`${root}/case.json`);
    const golden = readSafetensors(await sharedBytes(`${root}/expected.safetensors`));
    const seeing = prompts.filter(({ name }) => golden.has(`${name}.pixels`));
    expect(seeing.length).toBeGreaterThan(hasShared ? 1 : 0);
    for (const prompt of seeing) {
      const { data, shape } = golden.get(`${prompt.name}.pixels`)!;
      // Views stand in the corner of equally large tensors.
      const [, , height, width] = shape as [number, number, number, number];
      let view = 0;
      for (const image of imagesOf(prompt))
        for (const own of await viewsOf(root, image, prompt)) {
          expect(own.width <= width && own.height <= height, prompt.name).toBe(true);
          const expected = Float32Array.from({ length: 3 * own.height * own.width }, (_, i) => {
            const [row, channel] = [Math.floor(i / own.width) % own.height, Math.floor(i / own.width / own.height)];
            return data[((view * 3 + channel) * height + row) * width + (i % own.width)]!;
          });
          expectLevels(`${prompt.name}, view ${view}`, own, expected, hasJpeg(prompt) ? JPEG_LEVELS : 0);
          view++;
        }
      expect(view, prompt.name).toBe(shape[0]);
    }
  });

  interface ViewValues {
    values: Float32Array; // [3, height, width]
    width: number;
    height: number;
    /** Of a grey level, in values of each channel. */
    level: readonly number[];
  }

  async function viewsOf(root: string, image: string, { imagesKwargs }: FamilyPrompt): Promise<ViewValues[]> {
    const files = Object.fromEntries(
      await Promise.all(
        DESCRIPTION_FILES.map(async (name) => [name, await sharedJsonIfAny<object>(`${root}/model/${name}`)] as const),
      ),
    );
    const processor = { ...files["preprocessor_config.json"], ...imagesKwargs };
    const { pictures } = describeModel({ ...files, "preprocessor_config.json": processor });
    const picture = await decodeImage(new Blob([await sharedBytes(image)]));
    const arena = gpu().arena.scope();
    try {
      const plan = pictures!.plan(picture.width, picture.height, {});
      const batches = plan.views.map((_, index) => [index]);
      const pixels = await preprocess(gpu(), arena, picture, plan, pictures!, batches);
      const level = pictures!.std.map((std) => pictures!.rescale / std);
      return await Promise.all(
        pixels.map(async (tensor, index) => {
          const { width, height } = plan.views[index]!;
          return { values: await readFloats(gpu(), tensor), width, height, level };
        }),
      );
    } finally {
      picture.close();
      arena.dispose();
    }
  }
});

function imagesOf({ messages }: FamilyPrompt): string[] {
  return messages.flatMap(({ content }) =>
    typeof content === "string" ? [] : content.flatMap(({ image }) => image ?? []),
  );
}

function expectLevels(
  what: string,
  { values, width, height, level }: { values: Float32Array; width: number; height: number; level: readonly number[] },
  expected: Float32Array,
  levels: number,
): void {
  expect(values.length, what).toBe(expected.length);
  for (const [i, value] of values.entries()) {
    const difference = Math.abs(value - expected[i]!) / level[Math.floor(i / width / height)]!;
    if (!(difference <= levels + LEVEL_ERROR)) expect.fail(`${what}: value ${i} is ${difference} grey levels off`);
  }
}
