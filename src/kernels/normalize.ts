/** Bytes of a picture to the encoder's numbers, as Hugging Face's image processors rescale and normalise. */
import shader from "../../shaders/normalize.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "normalize",
  shader,
  bindings: { x: "read", y: "write" },
  params: {
    pixels: "u32",
    rescale: "f32",
    mean_red: "f32",
    mean_green: "f32",
    mean_blue: "f32",
    std_red: "f32",
    std_green: "f32",
    std_blue: "f32",
  },
});

export interface NormalizeArgs {
  /** Packed RGBA8, red in the low byte. */
  x: Tensor; // [H, W] u32
  y: Tensor; // [3, H, W]
  rescale: number;
  /** Red, green, blue. */
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
}

/** y = (x * rescale - mean) / std, a plane per channel; alpha is dropped. */
export function normalize(recorder: Recorder, { x, y, rescale, mean, std }: NormalizeArgs): void {
  const [height, width] = matrixShape("normalize x", x);
  checkShape("normalize y", y, [3, height, width]);
  const pixels = height * width;
  recorder.dispatch(
    kernel.variant(),
    { x, y },
    {
      pixels,
      rescale,
      mean_red: mean[0],
      mean_green: mean[1],
      mean_blue: mean[2],
      std_red: std[0],
      std_green: std[1],
      std_blue: std[2],
    },
    elementGrid(pixels, 64),
  );
}
