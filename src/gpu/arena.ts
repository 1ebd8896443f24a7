/**
 * All GPU memory. An arena creates buffers and textures, counts their bytes and frees them together. Child arenas (`scope`)
 * give parts of the engine their own lifetime; the root still knows the total and the peak.
 */
import { FoveaError } from "../errors.ts";
import { alignTo, assert } from "../shared/assert.ts";
import type { Shape } from "../shared/shape.ts";
import type { BufferLimits } from "./limits.ts";
import { type Matrix, partsOf, type RowRun, SPLIT_ROWS, type Tensor, tensorByteLength } from "./tensor.ts";

/** The next step after an allocation that is too large. */
const SMALLER = "Use a smaller model, context or weight type";

/** The part of a device that an arena uses. */
export type BufferMaker = Pick<GPUDevice, "createBuffer" | "createTexture"> & { readonly limits: BufferLimits };

/** The owner of an arena: it has the device, and forgets the bind groups of freed buffers. */
export interface ArenaHost {
  readonly device: BufferMaker;
  /** True for a plan, which counts buffers that no device would allocate; see planning.ts. */
  readonly allowsAnySize?: boolean;
  /** Throws if the device is gone; see `Gpu.assertAlive`. */
  assertAlive(): void;
  onFree(buffer: GPUBuffer): void;
}

/** STORAGE, COPY_SRC and COPY_DST. As numbers, because plans are made without a WebGPU that could name them. */
const TENSOR_USAGE = 0x80 | 0x04 | 0x08;

/** Buffers and textures with one lifetime. Owns them and its scopes. */
export class Arena {
  #host: ArenaHost;
  #parent: Arena | undefined;
  #children = new Set<Arena>();
  #buffers = new Set<GPUBuffer>();
  /** Texture -> bytes. */
  #textures = new Map<GPUTexture, number>();
  #bytes = 0;
  #peakBytes = 0;
  #disposed = false;

  constructor(host: ArenaHost, parent?: Arena) {
    this.#host = host;
    this.#parent = parent;
  }

  /** Bytes of the live buffers and textures of this arena and its scopes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The largest value of `bytes` so far. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** A child arena: its bytes count here too, and disposing this arena disposes it. Throws like `buffer`. */
  scope(): Arena {
    this.#assertUsable("scope");
    const child = new Arena(this.#host, this);
    this.#children.add(child);
    return child;
  }

  /**
   * A zeroed buffer. Throws FoveaError `out-of-memory` if it exceeds the device's limit, and what `Gpu.assertAlive`
   * throws. The device reports a lack of memory later: see `Gpu.guardMemory`.
   */
  buffer(label: string, byteLength: number, usage: GPUBufferUsageFlags): GPUBuffer {
    this.#assertUsable(label);
    const { device } = this.#host;
    const size = alignTo(Math.max(byteLength, 4), 4);
    if (size > device.limits.maxBufferSize && !this.#host.allowsAnySize)
      throw new FoveaError(
        "out-of-memory",
        `${label} needs a buffer of ${size} bytes; this device allows ${device.limits.maxBufferSize}. ${SMALLER}`,
      );
    const buffer = device.createBuffer({ label, size, usage });
    this.#buffers.add(buffer);
    this.#count(size);
    return buffer;
  }

  /** A zeroed tensor that kernels may read, write and copy. Throws like `buffer`. */
  tensor(label: string, shape: Shape, type: Tensor["type"] = "f32"): Tensor {
    const byteLength = tensorByteLength({ shape, type });
    const limit = this.#host.device.limits.maxStorageBufferBindingSize;
    if (byteLength > limit && !this.#host.allowsAnySize)
      throw new FoveaError(
        "out-of-memory",
        `${label} needs ${byteLength} bytes in one binding; this device allows ${limit}. ${SMALLER}`,
      );
    return { buffer: this.buffer(label, byteLength, TENSOR_USAGE), byteOffset: 0, shape, type };
  }

  /**
   * A zeroed matrix [R, C] of any size: one tensor, or several tensors of some rows each if one would exceed the device's
   * binding limit. Throws like `tensor` if even SPLIT_ROWS rows are too large.
   */
  matrix(label: string, shape: Shape, type: Tensor["type"] = "f32"): Matrix {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.#host.device.limits;
    const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    const [rows = 0, width] = shape;
    const bytesOf = (count: number) => tensorByteLength({ shape: [count, width!], type });
    if (width === undefined || shape.length !== 2 || bytesOf(rows) <= limit) return this.tensor(label, shape, type);
    const count = Math.max(1, Math.floor(limit / bytesOf(SPLIT_ROWS))) * SPLIT_ROWS;
    const parts: Tensor[] = [];
    for (let first = 0; first < rows; first += count) {
      const last = Math.min(first + count, rows);
      parts.push(this.tensor(`${label}, rows ${first} to ${last}`, [last - first, width], type));
    }
    return { parts, shape };
  }

  /**
   * A zeroed matrix [R, C] of rows of several types, one run below the other. All runs but the last have a multiple of
   * SPLIT_ROWS rows. Throws like `matrix`.
   */
  stack(label: string, width: number, runs: readonly RowRun[]): Matrix {
    const [first, ...others] = runs;
    if (first && others.length === 0) return this.matrix(label, [first.rows, width], first.type);
    const parts = runs.flatMap(({ rows, type }, i) => {
      assert(rows % SPLIT_ROWS === 0 || i === runs.length - 1, `${label}: a run of ${rows} rows before others`);
      return partsOf(this.matrix(`${label}, run ${i + 1}`, [rows, width], type));
    });
    return { parts, shape: [runs.reduce((sum, { rows }) => sum + rows, 0), width] };
  }

  /** An rgba8unorm texture. The caller keeps `width` and `height` within the device's limits. */
  texture(label: string, width: number, height: number, usage: GPUTextureUsageFlags): GPUTexture {
    this.#assertUsable(label);
    const texture = this.#host.device.createTexture({ label, size: [width, height], format: "rgba8unorm", usage });
    this.#textures.set(texture, width * height * 4);
    this.#count(width * height * 4);
    return texture;
  }

  /** Destroys a matrix or buffer of this arena now. Does nothing after the arena is disposed. */
  free(owned: Matrix | GPUBuffer): void {
    if (this.#disposed) return;
    const buffers = "shape" in owned ? partsOf(owned).map(({ buffer }) => buffer) : [owned];
    for (const buffer of buffers) {
      assert(this.#buffers.delete(buffer), `"${buffer.label}" is not of this arena, or was freed before`);
      this.#release(buffer);
    }
  }

  /** Destroys every buffer and texture of this arena and its scopes. Safe to call twice. */
  dispose(): void {
    if (this.#disposed) return;
    for (const child of [...this.#children]) child.dispose();
    for (const buffer of this.#buffers) this.#release(buffer);
    this.#buffers.clear();
    for (const [texture, byteLength] of this.#textures) {
      this.#count(-byteLength);
      texture.destroy();
    }
    this.#textures.clear();
    this.#disposed = true;
    if (this.#parent) this.#parent.#children.delete(this);
  }

  #assertUsable(what: string): void {
    this.#host.assertAlive();
    assert(!this.#disposed, `${what} of a disposed arena`);
  }

  #release(buffer: GPUBuffer): void {
    this.#host.onFree(buffer);
    this.#count(-buffer.size);
    buffer.destroy();
  }

  #count(change: number): void {
    this.#bytes += change;
    this.#peakBytes = Math.max(this.#peakBytes, this.#bytes);
    if (this.#parent) this.#parent.#count(change);
  }
}
