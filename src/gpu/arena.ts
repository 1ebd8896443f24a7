/**
 * All GPU memory. An arena creates buffers and textures, counts their bytes and frees them together; child arenas (`scope`) give
 * parts of the engine a lifetime of their own while the root still knows the total and the peak.
 */
import { FoveaError } from "../errors.ts";
import { alignTo, assert } from "../shared/assert.ts";
import type { Shape } from "../shared/shape.ts";
import type { BufferLimits } from "./limits.ts";
import { type Matrix, partsOf, SPLIT_ROWS, type Tensor, tensorByteLength } from "./tensor.ts";

/** The part of a device that an arena uses. */
export type BufferMaker = Pick<GPUDevice, "createBuffer" | "createTexture"> & { readonly limits: BufferLimits };

/** The owner of an arena: it has the device, and forgets the bind groups of freed buffers. */
export interface ArenaHost {
  readonly device: BufferMaker;
  /** A plan counts buffers that no device would make; see planning.ts. */
  readonly allowsAnySize?: boolean;
  /** Throws if there is nothing to allocate from any more; see `Gpu.assertAlive`. */
  assertAlive(): void;
  onFree(buffer: GPUBuffer): void;
}

/** STORAGE, COPY_SRC and COPY_DST. As numbers, because plans are made without a WebGPU that could name them. */
const TENSOR_USAGE = 0x80 | 0x04 | 0x08;

export class Arena {
  #host: ArenaHost;
  #parent: Arena | undefined;
  #children = new Set<Arena>();
  #buffers = new Set<GPUBuffer>();
  /** With their bytes. */
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

  /** The most that `bytes` has ever been. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** A child arena: its bytes count here too, and it is disposed with this one at the latest. Throws as `buffer`. */
  scope(): Arena {
    this.#assertUsable("scope");
    const child = new Arena(this.#host, this);
    this.#children.add(child);
    return child;
  }

  /**
   * A zeroed buffer. Throws FoveaError `out-of-memory` if it is larger than the device allows, and what
   * `Gpu.assertAlive` throws. Whether the device really had the memory is only known later: see `Gpu.guardMemory`.
   */
  buffer(label: string, byteLength: number, usage: GPUBufferUsageFlags): GPUBuffer {
    this.#assertUsable(label);
    const { device } = this.#host;
    const size = alignTo(Math.max(byteLength, 4), 4);
    if (size > device.limits.maxBufferSize && !this.#host.allowsAnySize)
      throw new FoveaError(
        "out-of-memory",
        `${label} needs a buffer of ${size} bytes; this device allows ${device.limits.maxBufferSize}`,
      );
    const buffer = device.createBuffer({ label, size, usage });
    this.#buffers.add(buffer);
    this.#count(size);
    return buffer;
  }

  /** A zeroed tensor that kernels may read and write, and that may be copied from and to. Throws as `buffer`. */
  tensor(label: string, shape: Shape, type: Tensor["type"] = "f32"): Tensor {
    const byteLength = tensorByteLength({ shape, type });
    const limit = this.#host.device.limits.maxStorageBufferBindingSize;
    if (byteLength > limit && !this.#host.allowsAnySize)
      throw new FoveaError(
        "out-of-memory",
        `${label} needs ${byteLength} bytes in one binding; this device allows ${limit}`,
      );
    return { buffer: this.buffer(label, byteLength, TENSOR_USAGE), byteOffset: 0, shape, type };
  }

  /**
   * A zeroed matrix [R, C] of any size: one tensor, or, where that would be larger than the device binds, several of some of
   * the rows each. Throws as `tensor` if even a few rows are too large.
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
    return { parts, shape, type };
  }

  /** An rgba8unorm texture of `width` x `height`, which the caller keeps within the device's limits. */
  texture(label: string, width: number, height: number, usage: GPUTextureUsageFlags): GPUTexture {
    this.#assertUsable(label);
    const texture = this.#host.device.createTexture({ label, size: [width, height], format: "rgba8unorm", usage });
    this.#textures.set(texture, width * height * 4);
    this.#count(width * height * 4);
    return texture;
  }

  /** Destroys what one matrix or buffer of this arena takes now; nothing to do once the arena itself is disposed. */
  free(owned: Matrix | GPUBuffer): void {
    if (this.#disposed) return;
    const buffers = "type" in owned ? partsOf(owned).map(({ buffer }) => buffer) : [owned];
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
