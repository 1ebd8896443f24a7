/**
 * Pillow's resampling of 8-bit RGB, bit for bit, and the three ways from a picture to the encoder's square.
 * Not a decoder: EXIF orientation is applied before.
 * Source of the algorithm: Pillow, src/libImaging/Resample.c (weights in f64, then 22-bit fixed point).
 */

/** Interleaved RGB bytes, [height, width, 3]. */
export interface RgbImage {
  width: number;
  height: number;
  data: Uint8Array | Uint8ClampedArray;
}

/** RGBA bytes over white, as Pillow's `Image.alpha_composite` and `convert("RGB")` make them. */
export function overWhite({ width, height, data }: RgbImage): RgbImage {
  const blend = (value: number, alpha: number) => Math.round((value * alpha + 255 * (255 - alpha)) / 255);
  const rgb = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3) * 4;
    return blend(data[pixel + (i % 3)]!, data[pixel + 3]!);
  });
  return { width, height, data: rgb };
}

export type ResampleFilter = "bilinear" | "bicubic" | "lanczos";

/** Reach of a filter in input samples, when not shrinking. */
const SUPPORT = { bilinear: 1, bicubic: 2, lanczos: 3 };

const FIXED_POINT_ONE = 2 ** 22;

/** Canvas of the "pad" mode: CLIP's mean as bytes, rounded down. */
const PAD_COLOUR = [122, 116, 104] as const;

function sinc(x: number): number {
  if (x === 0) return 1;
  return Math.sin(Math.PI * x) / (Math.PI * x);
}

function filterWeight(x: number, filter: ResampleFilter): number {
  const distance = Math.abs(x);
  if (filter === "bilinear") return distance < 1 ? 1 - distance : 0;
  if (filter === "lanczos") return distance < 3 ? sinc(x) * sinc(x / 3) : 0;
  const a = -0.5;
  if (distance < 1) return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
  if (distance < 2) return (((distance - 5) * distance + 8) * distance - 4) * a;
  return 0;
}

/**
 * For each of `outSize` output samples, the first input sample and the integer weights (2^22 = 1) from it on.
 * The filter widens when shrinking, so that it antialiases; weights are normalised after the borders cut them.
 */
export function resampleWeights(
  inSize: number,
  outSize: number,
  filter: ResampleFilter,
): { first: number; weights: number[] }[] {
  const scale = inSize / outSize;
  const filterScale = Math.max(scale, 1);
  const support = SUPPORT[filter] * filterScale;
  const result: { first: number; weights: number[] }[] = [];
  for (let x = 0; x < outSize; x++) {
    const centre = (x + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(inSize, Math.trunc(centre + support + 0.5));
    const real: number[] = [];
    let sum = 0;
    for (let i = first; i < end; i++) {
      const weight = filterWeight((i - centre + 0.5) * (1 / filterScale), filter);
      real.push(weight);
      sum += weight;
    }
    // Rounded half away from zero, as C's (int)(w +- 0.5).
    const weights = real.map((weight) => {
      const scaled = (weight / sum) * FIXED_POINT_ONE;
      return Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    });
    result.push({ first, weights });
  }
  return result;
}

/** Rounds a fixed-point sum to a byte and clips it. */
function toByte(sum: number): number {
  return Math.min(255, Math.max(0, Math.floor((sum + FIXED_POINT_ONE / 2) / FIXED_POINT_ONE)));
}

/** Resizes the columns, each row by itself. */
function resizeColumns(image: RgbImage, width: number, filter: ResampleFilter): RgbImage {
  const columns = resampleWeights(image.width, width, filter);
  const data = new Uint8Array(image.height * width * 3);
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < width; x++) {
      const { first, weights } = columns[x]!;
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let i = 0; i < weights.length; i++) {
          sum += weights[i]! * image.data[(y * image.width + first + i) * 3 + channel]!;
        }
        data[(y * width + x) * 3 + channel] = toByte(sum);
      }
    }
  }
  return { width, height: image.height, data };
}

/** Resizes the rows, each column by itself. */
function resizeRows(image: RgbImage, height: number, filter: ResampleFilter): RgbImage {
  const { width } = image;
  const rows = resampleWeights(image.height, height, filter);
  const data = new Uint8Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    const { first, weights } = rows[y]!;
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let i = 0; i < weights.length; i++) {
          sum += weights[i]! * image.data[((first + i) * width + x) * 3 + channel]!;
        }
        data[(y * width + x) * 3 + channel] = toByte(sum);
      }
    }
  }
  return { width, height, data };
}

/**
 * Resizes to `width` x `height`, rounded and clipped to bytes between the passes. Rows come first where the height shrinks
 * by more than twice what the width does (Pillow from 13.0 on).
 */
export function resize(image: RgbImage, width: number, height: number, filter: ResampleFilter): RgbImage {
  const shrinks = image.height - height;
  return shrinks > 0 && shrinks > 2 * (image.width - width)
    ? resizeColumns(resizeRows(image, height, filter), width, filter)
    : resizeRows(resizeColumns(image, width, filter), height, filter);
}

/** A rectangle of a picture. */
export function cut(image: RgbImage, left: number, top: number, width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        data[(y * width + x) * 3 + channel] = image.data[((top + y) * image.width + left + x) * 3 + channel]!;
      }
    }
  }
  return { width, height, data };
}

/** LLaVA-1.5's way: centred on a square canvas of CLIP's mean colour, then bicubic to `size` x `size`. */
export function padToSquare(image: RgbImage, size: number): RgbImage {
  const side = Math.max(image.width, image.height);
  const left = Math.floor((side - image.width) / 2);
  const top = Math.floor((side - image.height) / 2);
  const canvas = new Uint8Array(side * side * 3);
  for (let i = 0; i < canvas.length; i++) canvas[i] = PAD_COLOUR[i % 3]!;
  for (let y = 0; y < image.height; y++) {
    for (let i = 0; i < image.width * 3; i++) {
      canvas[((top + y) * side + left) * 3 + i] = image.data[y * image.width * 3 + i]!;
    }
  }
  return resize({ width: side, height: side, data: canvas }, size, size, "bicubic");
}

/** Hugging Face's CLIP way: shortest edge to `size`, long edge rounded down, bicubic, then the central square. */
export function cropToSquare(image: RgbImage, size: number): RgbImage {
  const short = Math.min(image.width, image.height);
  const width = image.width === short ? size : Math.trunc((size * image.width) / short);
  const height = image.height === short ? size : Math.trunc((size * image.height) / short);
  const resized = resize(image, width, height, "bicubic");
  return cut(resized, Math.floor((width - size) / 2), Math.floor((height - size) / 2), size, size);
}

/** ViT's and SigLIP's way: straight to the square, whatever the aspect ratio. */
export function squashToSquare(image: RgbImage, size: number, filter: ResampleFilter): RgbImage {
  return resize(image, size, size, filter);
}
