/**
 * Turns a decoded picture into the pixel values of its views, on the GPU from the upload on. A `PictureSpec` describes
 * the views; the integers of a resize come from image/resample.ts.
 */

import { throwIfAborted } from "../../errors.ts";
import type { Arena } from "../../gpu/arena.ts";
import type { Gpu } from "../../gpu/device.ts";
import { PictureBands, type PictureWindow } from "../../gpu/picture.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { type ResampleTable, resampleTable, rowsFirst, strips } from "../../image/resample.ts";
import { normalize } from "../../kernels/normalize.ts";
import { resize } from "../../kernels/resize.ts";
import { assert } from "../../shared/assert.ts";
import type { Picture } from "../../shared/picture.ts";
import type { Canvas, PicturePlan, PictureSpec } from "../../spec/picture-spec.ts";

/** The part of a spec that turns a plan into pixels. */
export type PixelSpec = Pick<PictureSpec, "filter" | "resizesLikeTorch" | "mean" | "std" | "rescale" | "padColour">;

export interface PreprocessOptions {
  signal?: AbortSignal | undefined;
  /** Pixels of one upload; for tests. */
  bandPixels?: number;
  /** Pixels between the two passes of a resize; for tests. */
  stripPixels?: number;
}

/**
 * 32 MiB between the two passes of a resize: one strip, except for pictures of many thousand rows on large canvases.
 */
const STRIP_PIXELS = 2 ** 23;

/** Compiles what `preprocess` dispatches, ahead of the first picture. */
export async function compilePreprocess(gpu: Gpu): Promise<void> {
  const scratch = gpu.arena.scope();
  try {
    const pixel = scratch.tensor("pixel", [1, 1], "u32");
    const weights = scratch.tensor("weights", [1, 1], "i32");
    const bounds = scratch.tensor("bounds", [1, 3], "i32");
    const places = scratch.tensor("places", [1, 3], "u32");
    const y = scratch.tensor("values", [1, 3, 1, 1]);
    await gpu.compile((recorder) => {
      resize(recorder, { x: pixel, weights, bounds, y: pixel, axis: "columns", origin: 0, colour: 0 });
      normalize(recorder, { x: pixel, places, y, rescale: 1, mean: [0, 0, 0], std: [1, 1, 1] });
    });
  } finally {
    scratch.dispose();
  }
}

/**
 * The pixel values of a picture's views: one tensor a batch, [B, 3, H, W] f32, owned by `arena`. The picture is read
 * before the promise resolves; the caller still owns it. Everything else is freed, also after an error.
 *
 * @param batches indices of views, a list a batch; the views of a batch have one size in pixels
 * @throws FoveaError `bad-image` if the picture cannot be read (any more), `out-of-memory`, `aborted`
 */
export async function preprocess(
  gpu: Gpu,
  arena: Arena,
  picture: Picture,
  plan: PicturePlan,
  spec: PixelSpec,
  batches: readonly (readonly number[])[],
  options: PreprocessOptions = {},
): Promise<Tensor[]> {
  const { rescale, mean, std } = spec;
  const scratch = arena.scope();
  const pixels: Tensor[] = [];
  try {
    const draws = await gpu.guardMemory("pixel values", () => {
      for (const batch of batches) pixels.push(arena.tensor("pixel values", batchShape(plan, batch)));
      return planDraws(scratch, plan, batches);
    });
    await makeCanvases(gpu, scratch, picture, { plan, spec, options }, (canvas, x) => {
      for (const { batch, numbers, places } of draws.filter((draw) => draw.canvas === canvas)) {
        gpu.upload(places, numbers);
        gpu.submit("normalize", (pass) => normalize(pass, { x, places, y: pixels[batch]!, rescale, mean, std }));
      }
    });
    return pixels;
  } catch (error) {
    for (const tensor of pixels) arena.free(tensor);
    throw error;
  } finally {
    scratch.dispose();
  }
}

/** [B, 3, H, W] */
function batchShape({ views }: PicturePlan, batch: readonly number[]): [number, number, number, number] {
  const { width, height } = views[batch[0]!]!;
  assert(
    batch.every((view) => views[view]!.width === width && views[view]!.height === height),
    "a batch has views of several sizes",
  );
  return [batch.length, 3, height, width];
}

/** The views of one canvas that belong to one batch. */
interface Draw {
  canvas: number;
  batch: number;
  numbers: Uint32Array;
  places: Tensor; // [R, 3] u32: left, top, index in the batch
}

function planDraws(arena: Arena, { canvases, views }: PicturePlan, batches: readonly (readonly number[])[]): Draw[] {
  const draws: Draw[] = [];
  for (const [batch, members] of batches.entries())
    for (const canvas of canvases.keys()) {
      const numbers = members.flatMap((member, slot) => {
        const view = views[member]!;
        return view.canvas === canvas ? [view.left, view.top, slot] : [];
      });
      if (numbers.length === 0) continue;
      const places = arena.tensor("places of views", [numbers.length / 3, 3], "u32");
      draws.push({ canvas, batch, numbers: Uint32Array.from(numbers), places });
    }
  return draws;
}

/** The arguments by which `makeCanvases` draws the canvases of one picture. */
export interface CanvasWork {
  plan: Pick<PicturePlan, "canvases" | "padColour">;
  spec: PixelSpec;
  options: PreprocessOptions;
}

/**
 * Draws all canvases in order, bit for bit as Pillow or torchvision does, and frees each once no later one needs it.
 * Takes all its memory from `scratch`, which the caller disposes, also after an error. Throws as `preprocess`.
 *
 * @param onCanvas called with each canvas, [H, W] u32 (RGBA8, red in the low byte), to submit work on it
 */
export async function makeCanvases(
  gpu: Gpu,
  scratch: Arena,
  picture: Picture,
  work: CanvasWork,
  onCanvas: (index: number, canvas: Tensor) => void,
): Promise<void> {
  const { canvases } = work.plan;
  const made: Tensor[] = [];
  for (const [index, canvas] of canvases.entries()) {
    const source = canvas.from === "picture" ? picture : made[canvas.from]!;
    made.push(await makeCanvas(gpu, scratch, picture.name, source, canvas, work));
    onCanvas(index, made[index]!);
    for (const [earlier, tensor] of made.entries()) {
      const lastUse = Math.max(
        earlier,
        canvases.findLastIndex(({ from }) => from === earlier),
      );
      if (lastUse === index) scratch.free(tensor);
    }
  }
}

/** A part of a picture or canvas: a rectangle in its pixels. The first of `pixels` is at (`left`, `top`). */
interface Part {
  pixels: Tensor; // [rows, stride] u32
  x: number;
  y: number;
  width: number;
  height: number;
  left: number;
  top: number;
}

async function makeCanvas(
  gpu: Gpu,
  arena: Arena,
  name: string,
  source: Picture | Tensor,
  canvas: Canvas,
  { plan, spec, options: { signal, bandPixels, stripPixels = STRIP_PIXELS } }: CanvasWork,
): Promise<Tensor> {
  throwIfAborted(signal, "preprocessing of a picture");
  const { filter, resizesLikeTorch = false } = spec;
  const colour = plan.padColour ?? spec.padColour ?? 0;
  const columns = resampleTable(canvas.x, filter, resizesLikeTorch);
  const rows = resampleTable(canvas.y, filter, resizesLikeTorch);
  const window = { x: columns.first, y: rows.first, width: columns.end - columns.first, height: rows.end - rows.first };
  const byRows = !resizesLikeTorch && rowsFirst(canvas);
  // Between the passes are the window's columns of resized rows, or its rows of resized columns.
  const middleWidth = byRows ? window.width : canvas.x.size;
  const most = Math.floor(stripPixels / middleWidth);
  const parts = strips(rows, byRows ? most : Number.POSITIVE_INFINITY, byRows ? Number.POSITIVE_INFINITY : most);
  const middleRows = parts.map(({ from, to, first, end }) => (byRows ? to - from : end - first));
  const scratch = arena.scope();
  try {
    const memory = await gpu.guardMemory(name, () => ({
      bands:
        "shape" in source
          ? undefined
          : new PictureBands(gpu, scratch, source, window, byRows ? "columns" : "rows", bandPixels),
      columns: tableTensors(scratch, columns),
      rows: tableTensors(scratch, rows),
      middle: scratch.tensor("picture between two passes", [Math.max(...middleRows), middleWidth], "u32"),
      y: arena.tensor("canvas", [canvas.y.size, canvas.x.size], "u32"),
    }));
    gpu.assertAlive();
    throwIfAborted(signal, "preprocessing of a picture");

    uploadTable(gpu, memory.columns, columns);
    uploadTable(gpu, memory.rows, rows);
    const { middle, y } = memory;
    const alongColumns = { ...memory.columns, axis: "columns", colour } as const;
    const alongRows = { ...memory.rows, axis: "rows", colour } as const;
    for (const { from, to, first, end } of parts) {
      for await (const part of partsOfSource(source, memory.bands, window, first, end)) {
        throwIfAborted(signal, "preprocessing of a picture");
        const { pixels: x, width, height, left, top } = part;
        if (byRows) {
          const place = { left: part.x - window.x, width, height: to - from, line: part.x - left, output: from };
          gpu.submit("resize rows", (pass) => resize(pass, { ...alongRows, x, y: middle, origin: top, ...place }));
        } else {
          const place = { top: part.y - first, height, line: part.y - top };
          gpu.submit("resize columns", (pass) =>
            resize(pass, { ...alongColumns, x, y: middle, origin: left, ...place }),
          );
        }
      }
      const place = { x: middle, y, top: from, height: to - from };
      if (byRows) gpu.submit("resize columns", (pass) => resize(pass, { ...alongColumns, ...place, origin: window.x }));
      else gpu.submit("resize rows", (pass) => resize(pass, { ...alongRows, ...place, origin: first, output: from }));
    }
    return y;
  } finally {
    scratch.dispose();
  }
}

/** The rows [first, end) of a window, part by part. Read each part before you request the next. */
async function* partsOfSource(
  source: Picture | Tensor,
  bands: PictureBands | undefined,
  window: PictureWindow,
  first: number,
  end: number,
): AsyncGenerator<Part> {
  if ("shape" in source) yield { ...window, y: first, height: end - first, pixels: source, left: 0, top: 0 };
  else for await (const band of bands!.rows(first, end)) yield { ...band, left: band.x, top: band.y };
}

interface TableTensors {
  weights: Tensor; // [outputs, taps] i32
  bounds: Tensor; // [outputs, 3] i32
}

function tableTensors(arena: Arena, { bounds, taps }: ResampleTable): TableTensors {
  const outputs = bounds.length / 3;
  return {
    weights: arena.tensor("resize weights", [outputs, taps], "i32"),
    bounds: arena.tensor("resize bounds", [outputs, 3], "i32"),
  };
}

function uploadTable(gpu: Gpu, tensors: TableTensors, { weights, bounds }: ResampleTable): void {
  gpu.upload(tensors.weights, weights);
  gpu.upload(tensors.bounds, bounds);
}
