/**
 * A decoded picture to the encoder's pixel values, on the GPU from the upload on. How a model wants its pictures is
 * image/geometry.ts and preprocessor-config.ts.
 */

import { throwIfAborted } from "../errors.ts";
import type { Arena } from "../gpu/arena.ts";
import type { Gpu } from "../gpu/device.ts";
import { PictureBands } from "../gpu/picture.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { type Preprocessing, padColour, planResize } from "../image/geometry.ts";
import { type ResampleTable, resampleTable } from "../image/resample.ts";
import { normalize } from "../kernels/normalize.ts";
import { resize } from "../kernels/resize.ts";
import type { Picture } from "../shared/picture.ts";

export interface PreprocessOptions {
  signal?: AbortSignal | undefined;
  /** Pixels that are uploaded at a time; for tests. */
  bandPixels?: number;
}

/** Compiles what `preprocess` dispatches, ahead of the first picture. */
export async function compilePreprocess(gpu: Gpu): Promise<void> {
  const scratch = gpu.arena.scope();
  try {
    const pixel = scratch.tensor("pixel", [1, 1], "u32");
    const weights = scratch.tensor("weights", [1, 1], "i32");
    const bounds = scratch.tensor("bounds", [1, 3], "i32");
    const y = scratch.tensor("values", [3, 1, 1]);
    await gpu.compile((recorder) => {
      resize(recorder, { x: pixel, weights, bounds, y: pixel, axis: "columns", origin: 0, colour: 0 });
      normalize(recorder, { x: pixel, y, rescale: 1, mean: [0, 0, 0], std: [1, 1, 1] });
    });
  } finally {
    scratch.dispose();
  }
}

/**
 * The pixel values of `picture`, [3, S, S] f32, owned by `arena`. The picture is read before the promise is fulfilled
 * and stays the caller's. Everything else is freed, also after an error.
 *
 * @throws FoveaError `bad-image` if the picture cannot be read (any more), `out-of-memory`, `aborted`
 */
export async function preprocess(
  gpu: Gpu,
  arena: Arena,
  picture: Picture,
  preprocessing: Preprocessing,
  options: PreprocessOptions = {},
): Promise<Tensor> {
  const { size, rescale, mean, std } = preprocessing;
  const scratch = arena.scope();
  let y: Tensor | undefined;
  try {
    const x = await resizePicture(gpu, scratch, picture, preprocessing, options);
    await gpu.guardMemory("pixel values", () => {
      y = arena.tensor("pixel values", [3, size, size]);
    });
    const values = y!;
    gpu.submit("normalize", (pass) => normalize(pass, { x, y: values, rescale, mean, std }));
    return values;
  } catch (error) {
    if (y) arena.free(y);
    throw error;
  } finally {
    scratch.dispose();
  }
}

/**
 * The square that the encoder sees, as bytes, [S, S] u32 (RGBA8, red in the low byte): what Pillow makes of the
 * picture, bit for bit. Takes all its memory from `scratch`, which the caller disposes, also after an error.
 * Throws as `preprocess`.
 */
export async function resizePicture(
  gpu: Gpu,
  scratch: Arena,
  picture: Picture,
  preprocessing: Preprocessing,
  { signal, bandPixels }: PreprocessOptions = {},
): Promise<Tensor> {
  throwIfAborted(signal, "preprocessing of a picture");
  const { size, filter } = preprocessing;
  const plan = planResize(preprocessing, picture.width, picture.height);
  const columns = resampleTable(plan.x, filter);
  const rows = resampleTable(plan.y, filter);
  const colour = padColour(preprocessing);
  const window = { x: columns.first, y: rows.first, width: columns.end - columns.first, height: rows.end - rows.first };

  const memory = await gpu.guardMemory(picture.name, () => ({
    bands: new PictureBands(gpu, scratch, picture, window, bandPixels),
    columns: tableTensors(scratch, columns),
    middle: scratch.tensor("picture of resized columns", [window.height, size], "u32"),
    rows: tableTensors(scratch, rows),
    square: scratch.tensor("resized picture", [size, size], "u32"),
  }));
  gpu.assertAlive();
  throwIfAborted(signal, "preprocessing of a picture");

  const { middle, square } = memory;
  uploadTable(gpu, memory.columns, columns);
  uploadTable(gpu, memory.rows, rows);
  for (const { pixels: x, ...band } of memory.bands)
    gpu.submit("resize columns", (pass) =>
      resize(pass, { ...memory.columns, ...band, x, y: middle, axis: "columns", origin: columns.first, colour }),
    );
  gpu.submit("resize rows", (pass) =>
    resize(pass, { ...memory.rows, x: middle, y: square, axis: "rows", origin: rows.first, colour }),
  );
  return square;
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
