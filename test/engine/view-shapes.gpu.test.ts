/**
 * Pictures of any shape through one model whose views follow it: every compression, no pipeline beyond those that loading
 * compiled, and no memory left.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Fovea } from "../../src/index.ts";
import { useDevice } from "../support/gpu.ts";
import { sharedUrl } from "../support/shared.ts";

/** Views of 8 to 20 cells of 2 x 2 patches, 5 pixels a patch; nothing is cut. */
const MODEL = "golden/families/lfm2_vl-single-bf16/model";

/** Tiles of 2 x 2 cells and a thumbnail of 6 to 16 cells, 4 pixels a patch. */
const TILED_MODEL = "golden/families/lfm2_vl-tiles-layernorm-f32/model";

const SHAPES: [width: number, height: number, rows: number, cols: number][] = [
  [60, 40, 6, 10],
  [40, 60, 10, 6],
  [50, 50, 8, 8],
  [400, 20, 2, 40],
  [2, 2, 6, 6],
];

function picture(width: number, height: number): ImageData {
  const image = new ImageData(width, height);
  for (const i of image.data.keys()) image.data[i] = i % 4 === 3 ? 255 : (i * 37 + ((i * i) % 91)) % 256;
  return image;
}

const { device } = useDevice();

describe("views of the picture's own shape", () => {
  let fovea: Fovea;
  let idleBytes = 0;
  /** Labels of the pipelines that are made. */
  const made: string[] = [];
  beforeAll(async () => {
    for (const name of ["createComputePipeline", "createComputePipelineAsync"] as const) {
      const original = GPUDevice.prototype[name] as (descriptor: GPUComputePipelineDescriptor) => never;
      vi.spyOn(GPUDevice.prototype, name).mockImplementation(function (this: GPUDevice, descriptor) {
        made.push(String(descriptor.label));
        return original.call(this, descriptor);
      });
    }
    // A device of its own: a shared one has the pipelines of other files already.
    fovea = await Fovea.load(sharedUrl(MODEL), { maxContext: 200, weights: "f32", precision: "f32" });
    idleBytes = fovea.memory.gpuBytes;
  });
  afterAll(() => {
    vi.restoreAllMocks();
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
  });

  test("need no pipeline beyond those of loading", async () => {
    expect(made.length).toBeGreaterThan(10);
    made.length = 0;
    for (const [width, height] of SHAPES)
      for (const compression of [{ method: "none" }, { method: "vmtc", ratio: 0.5 }] as const)
        await fovea.encodeImage(picture(width, height), { compression });
    expect(made).toEqual([]);
    expect(fovea.memory.gpuBytes).toBe(idleBytes);
  });

  test.for(SHAPES)("%i x %i pixels: whole, merged and chosen", async ([width, height, rows, cols]) => {
    const image = picture(width, height);
    const cells = (rows / 2) * (cols / 2);
    const half = Math.floor(cells / 2);
    const whole = await fovea.encodeImage(image);
    expect(whole.views).toMatchObject([{ rows, cols, cell: 2, patch: 5, width: cols * 5, height: rows * 5 }]);
    expect(whole.features.rows).toBe(rows * cols);
    expect(whole.features.data.every(Number.isFinite)).toBe(true);

    const merged = await fovea.encodeImage(image, { compression: { method: "vmtc", ratio: 0.5 } });
    const origins = merged.stages.at(-1)!.origins;
    expect(origins).toHaveLength(half);
    expect(origins.flatMap((own) => [...own]).sort((a, b) => a - b)).toEqual([...Array(cells).keys()]);
    expect(merged.features.rows).toBe(4 * half);

    for (const compression of [{ method: "diverse", ratio: 0.5 }, { method: "none" }] as const) {
      const messages = [{ role: "user" as const, content: [{ type: "image" as const, image }] }];
      const { prompt } = await fovea.inspect({ messages, compression });
      const count = compression.method === "none" ? cells : half;
      expect(prompt.pictures).toMatchObject([[{ count }]]);
    }
    expect(fovea.memory.gpuBytes).toBe(idleBytes);
  });
});

test("tiles and a thumbnail of another grid are merged each on its own", async () => {
  const fovea = await Fovea.load(sharedUrl(TILED_MODEL), {
    maxContext: 200,
    weights: "f32",
    precision: "f32",
    device: device(),
  });
  try {
    const compression = { method: "vmtc", ratio: 0.5 } as const;
    const { views } = await fovea.encodeImage(picture(90, 30), { compression });
    const grids = views.map(({ rows, cols }) => [rows, cols]);
    expect(grids).toEqual([...Array(3).fill([4, 4]), [4, 12]]);
    expect(views.map(({ stages }) => stages.at(-1)!.origins.length)).toEqual([2, 2, 2, 6]);
  } finally {
    fovea.dispose();
  }
});
