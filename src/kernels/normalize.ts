/** Rectangles of a canvas to the encoder's numbers, as Hugging Face's image processors rescale and normalise. */
import shader from "../../shaders/normalize.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { assert } from "../shared/assert.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "normalize",
  shader,
  bindings: { x: "read", places: "read", y: "write" },
  params: {
    rectangles: "u32",
    width: "u32",
    height: "u32",
    stride: "u32",
    rescale: "f32",
    meanRed: "f32",
    meanGreen: "f32",
    meanBlue: "f32",
    stdRed: "f32",
    stdGreen: "f32",
    stdBlue: "f32",
  },
});

export interface NormalizeArgs {
  /** Packed RGBA8, red in the low byte. */
  x: Tensor; // [rows, stride] u32
  /** Each rectangle's left and top, and the index of its view in the batch. The caller keeps rectangles inside x. */
  places: Tensor; // [R, 3] u32
  /** Views without a rectangle keep their values. */
  y: Tensor; // [B, 3, H, W]
  rescale: number;
  /** Red, green, blue. */
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
}

/** y = (x * rescale - mean) / std, a plane per channel of each view; alpha is dropped. */
export function normalize(recorder: Recorder, { x, places, y, rescale, mean, std }: NormalizeArgs): void {
  const [rows, stride] = matrixShape("normalize x", x);
  const [rectangles] = matrixShape("normalize places", places);
  checkShape("normalize places", places, [rectangles, 3]);
  const [views = 0, , height = 0, width = 0] = y.shape;
  checkShape("normalize y", y, [views, 3, height, width]);
  assert(
    width <= stride && height <= rows && rectangles <= views,
    `normalize: ${rectangles} of ${height} x ${width} from ${rows} x ${stride} to ${views} views`,
  );
  recorder.dispatch(
    kernel.variant(),
    { x, places, y },
    {
      rectangles,
      width,
      height,
      stride,
      rescale,
      meanRed: mean[0],
      meanGreen: mean[1],
      meanBlue: mean[2],
      stdRed: std[0],
      stdGreen: std[1],
      stdBlue: std[2],
    },
    elementGrid(rectangles * width * height, 64),
  );
}
