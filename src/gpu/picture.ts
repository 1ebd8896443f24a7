/**
 * Copies a decoded picture into GPU buffers through a texture, the only way that keeps its pixels off the CPU. It works
 * in bands: a large photograph needs no more memory than a small one, and no binding larger than a phone allows.
 * Decoding is in image/decode.ts; nothing is resized here.
 */
import { FoveaError } from "../errors.ts";
import { alignTo, assert } from "../shared/assert.ts";
import type { Picture, PixelData } from "../shared/picture.ts";
import type { Arena } from "./arena.ts";
import type { Gpu } from "./device.ts";
import type { Tensor } from "./tensor.ts";

/** Part of a picture, in pixels. */
export interface PictureWindow {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A part of the window, on the GPU until the next band is requested; its place is in pixels of the picture. */
export interface PictureBand extends PictureWindow {
  /** RGBA8, red in the low byte. The first `height` rows hold the band, each in its first `width` pixels. */
  pixels: Tensor; // [rows, stride] u32
}

/** 16 MiB a band: a screenful is one band, a photograph of 12 million pixels three. */
const BAND_PIXELS = 2 ** 22;

/** WebGPU copies a texture to rows of a multiple of 256 bytes. */
const ROW_ALIGNMENT_PIXELS = 64;

function isPixelData(pixels: ImageBitmap | PixelData): pixels is PixelData {
  return "data" in pixels;
}

/** The memory that the bands of one picture pass through, one at a time. It belongs to `arena`. */
export class PictureBands {
  readonly #gpu: Gpu;
  readonly #picture: Picture;
  readonly #window: PictureWindow;
  readonly #texture: GPUTexture;
  readonly #pixels: Tensor;
  /** The largest width of a band. */
  readonly #width: number;
  readonly #height: number;
  #isUsed = false;

  /**
   * Allocates a texture and a tensor of at most `bandPixels` each, or of one line. Throws as `Arena.tensor`; run it in
   * `Gpu.guardMemory`.
   *
   * @param lines "rows": a band is some whole rows of the window; "columns": some whole columns
   */
  constructor(
    gpu: Gpu,
    arena: Arena,
    picture: Picture,
    window: PictureWindow,
    lines: "rows" | "columns",
    bandPixels = BAND_PIXELS,
  ) {
    const { x, y, width, height } = window;
    assert(
      x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= picture.width && y + height <= picture.height,
      `window ${x}, ${y}, ${width} x ${height} of a picture of ${picture.width} x ${picture.height}`,
    );
    const alignedColumns = Math.floor(bandPixels / height / ROW_ALIGNMENT_PIXELS) * ROW_ALIGNMENT_PIXELS;
    this.#width = lines === "rows" ? width : Math.min(width, Math.max(ROW_ALIGNMENT_PIXELS, alignedColumns));
    const stride = alignTo(this.#width, ROW_ALIGNMENT_PIXELS);
    this.#height = lines === "rows" ? Math.min(height, Math.max(1, Math.floor(bandPixels / stride))) : height;
    const limit = gpu.device.limits.maxTextureDimension2D;
    const usage = GPUTextureUsage.COPY_DST | GPUTextureUsage.RENDER_ATTACHMENT | GPUTextureUsage.COPY_SRC;
    this.#gpu = gpu;
    this.#picture = picture;
    this.#window = window;
    this.#texture = arena.texture("picture", Math.min(this.#width, limit), Math.min(this.#height, limit), usage);
    this.#pixels = arena.tensor("picture", [this.#height, stride], "u32");
  }

  /**
   * Uploads the rows [from, to) of the picture, within the window, band by band, each once the GPU has finished the
   * previous one. Submit the work on a band before you request the next one.
   *
   * @throws FoveaError `bad-image` if the picture was closed in the meantime, or comes from another site that does not
   *   allow it to be read
   */
  async *rows(from: number, to: number): AsyncGenerator<PictureBand> {
    const right = this.#window.x + this.#window.width;
    for (let y = from; y < to; y += this.#height)
      for (let { x } = this.#window; x < right; x += this.#width) {
        const band = { x, y, width: Math.min(this.#width, right - x), height: Math.min(this.#height, to - y) };
        // Each queued upload holds a copy: without the wait, 8000 x 8000 pixels took 19 bytes each instead of 8.
        if (this.#isUsed) await this.#gpu.idle();
        this.#isUsed = true;
        this.#upload(band);
        yield { ...band, pixels: this.#pixels };
      }
  }

  /** Uploads in tiles, where the band is larger than a texture may be. */
  #upload(band: PictureWindow): void {
    const { device } = this.#gpu;
    const { buffer, shape } = this.#pixels;
    const bytesPerRow = shape[1]! * 4;
    for (let row = 0; row < band.height; row += this.#texture.height)
      for (let column = 0; column < band.width; column += this.#texture.width) {
        const width = Math.min(this.#texture.width, band.width - column);
        const height = Math.min(this.#texture.height, band.height - row);
        this.#fillTexture(band.x + column, band.y + row, width, height);
        const encoder = device.createCommandEncoder({ label: "picture" });
        const target = { buffer, offset: row * bytesPerRow + column * 4, bytesPerRow };
        encoder.copyTextureToBuffer({ texture: this.#texture }, target, [width, height]);
        device.queue.submit([encoder.finish()]);
      }
  }

  #fillTexture(x: number, y: number, width: number, height: number): void {
    const { queue } = this.#gpu.device;
    const { name, pixels } = this.#picture;
    const texture = this.#texture;
    if (isPixelData(pixels)) {
      const layout = { offset: (y * pixels.width + x) * 4, bytesPerRow: pixels.width * 4 };
      queue.writeTexture({ texture }, pixels.data as Uint8Array<ArrayBuffer>, layout, [width, height]);
      return;
    }
    try {
      queue.copyExternalImageToTexture(
        { source: pixels, origin: [x, y] },
        { texture, colorSpace: "srgb", premultipliedAlpha: false },
        [width, height],
      );
    } catch (cause) {
      if (!(cause instanceof DOMException)) throw cause;
      if (cause.name === "SecurityError")
        throw new FoveaError(
          "bad-image",
          `${name} has pixels of another site, which the browser blocks; load it with crossorigin="anonymous", or pass the file`,
          { cause },
        );
      throw new FoveaError("bad-image", `${name} was closed or changed too early; keep it until the answer starts`, {
        cause,
      });
    }
  }
}
