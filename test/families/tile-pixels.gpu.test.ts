/** From files to the pixel values of tiles: the golden families' own, bit for bit before they are normalised. */
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { planLongestEdgeTiles, tileGrid } from "../../src/families/parts/longest-edge-tiles.ts";
import { readFloats } from "../../src/gpu/readback.ts";
import { decodeImage } from "../../src/image/decode.ts";
import { compilePreprocess, type PixelSpec, preprocess } from "../../src/model/encoder/preprocess.ts";
import { readSafetensors } from "../reference/model/weights.ts";
import { expectClose } from "../support/compare.ts";
import { useGpu } from "../support/gpu.ts";
import { hasShared, sharedBytes, sharedJson } from "../support/shared.ts";
import { ABSOLUTE_NORMALIZE, RELATIVE_ELEMENTWISE } from "../support/tolerances.ts";

interface Case {
  prompts: {
    name: string;
    messages: { content: string | { type: string; image?: string }[] }[];
    /** Rows and columns of tiles of each picture. */
    tiles?: [number, number][];
    options?: { do_image_splitting?: boolean };
  }[];
}

interface Preprocessor {
  size: { longest_edge: number };
  max_image_size: { longest_edge: number };
  do_image_splitting: boolean;
}

const SPEC: PixelSpec = { filter: "lanczos", mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], rescale: 1 / 255 };
const FOLDERS = [
  "idefics3-defaults-f16",
  "idefics3-s2-tags-f16",
  "smolvlm-s3-spelled-f32-sharded",
  "smolvlm-s4-tags-bf16",
];
/** Decoders of JPEG may differ by a few grey levels; Chromium's was seen to be Pillow's. */
const JPEG_LEVELS = 4;

const toByte = (value: number) => Math.round((value * 0.5 + 0.5) * 255);

describe("golden families", () => {
  const { gpu } = useGpu();
  let idleBytes = 0;

  beforeAll(async () => {
    await compilePreprocess(gpu());
    idleBytes = gpu().arena.bytes;
  });
  afterEach(() => expect(gpu().arena.bytes).toBe(idleBytes));

  describe.for(FOLDERS)("%s", (folder) => {
    test("pixels of every prompt", async () => {
      const root = `golden/families/${folder}`;
      const { prompts } = await sharedJson<Case>(`${root}/case.json`);
      const file = await sharedJson<Preprocessor>(`${root}/model/preprocessor_config.json`);
      const golden = readSafetensors(await sharedBytes(`${root}/expected.safetensors`));
      const seeing = prompts.filter(({ tiles }) => tiles);
      expect(seeing.length).toBeGreaterThan(hasShared ? 1 : 0);
      for (const { name, messages, tiles, options } of seeing) {
        const { data, shape } = golden.get(`${name}.pixels`)!;
        const splits = options?.do_image_splitting ?? file.do_image_splitting;
        const rule = { longestEdge: file.size.longest_edge, tile: file.max_image_size.longest_edge, splits };
        const images = messages.flatMap(({ content }) =>
          typeof content === "string" ? [] : content.flatMap(({ image }) => (image ? [image] : [])),
        );
        expect(images).toHaveLength(tiles!.length);
        let read = 0;
        for (const [index, image] of images.entries()) {
          const values = await tileValues(image, rule, tiles![index]!);
          const expected = data.subarray(read, read + values.length);
          expectPixels(`${name}, ${image}`, values, expected);
          read += values.length;
        }
        expect(read, name).toBe(shape.reduce((a, b) => a * b));
      }
    });
  });

  /** All views of a picture as one batch. */
  async function tileValues(
    image: string,
    rule: { longestEdge: number; tile: number; splits: boolean },
    tiles: [number, number],
  ): Promise<Float32Array> {
    const picture = await decodeImage(new Blob([await sharedBytes(image)]));
    const arena = gpu().arena.scope();
    try {
      const grid = { rows: 1, cols: 1 };
      const plan = planLongestEdgeTiles({ ...rule, grid }, picture.width, picture.height, {});
      const { rows, cols } = tileGrid(plan);
      expect([rows, cols], image).toEqual(tiles);
      const [values] = await preprocess(gpu(), arena, picture, plan, SPEC, [[...plan.views.keys()]]);
      return await readFloats(gpu(), values!);
    } finally {
      picture.close();
      arena.dispose();
    }
  }

  function expectPixels(what: string, values: Float32Array, expected: ArrayLike<number>): void {
    const isJpeg = /\.jpe?g$/.test(what);
    for (const [i, value] of values.entries()) {
      const difference = Math.abs(toByte(value) - toByte(expected[i]!));
      if (difference > (isJpeg ? JPEG_LEVELS : 0))
        expect.fail(`${what}: value ${i} is byte ${toByte(value)}, expected ${toByte(expected[i]!)}`);
    }
    if (!isJpeg) expectClose(what, values, expected, RELATIVE_ELEMENTWISE, ABSOLUTE_NORMALIZE);
  }
});
