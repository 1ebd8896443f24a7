/** Writes GGUF files for tests. */

/** A typed value, as the format has it; a plain number is u32, a fraction f32. */
export type GgufValue =
  | number
  | string
  | boolean
  | readonly string[]
  | readonly number[]
  | readonly boolean[]
  | Float32Array
  | Int32Array;

export interface GgufTensorInput {
  /** Outermost first. */
  shape: readonly number[];
  /** Number of the type; default 0, F32. */
  type?: number;
  bytes: Uint8Array;
}

/** The file's bytes. */
export function writeGguf(
  metadata: Readonly<Record<string, GgufValue>>,
  tensors: Readonly<Record<string, GgufTensorInput>> = {},
): Uint8Array<ArrayBuffer> {
  const out = new Writer();
  out.u32(0x46554747).u32(3).u64(Object.keys(tensors).length).u64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) out.string(key).value(value);
  let offset = 0;
  for (const [name, { shape, type = 0, bytes }] of Object.entries(tensors)) {
    out.string(name).u32(shape.length);
    for (const size of shape.toReversed()) out.u64(size);
    out.u32(type).u64(offset);
    offset += Math.ceil(bytes.length / 32) * 32;
  }
  for (const { bytes } of Object.values(tensors)) out.align(32).bytes(bytes);
  return out.align(32).result();
}

class Writer {
  #bytes = new Uint8Array(1 << 16);
  #at = 0;

  u32(value: number): this {
    this.#view(4).setUint32(0, value, true);
    return this;
  }

  u64(value: number): this {
    this.#view(8).setBigUint64(0, BigInt(value), true);
    return this;
  }

  bytes(bytes: Uint8Array): this {
    const view = this.#view(bytes.length);
    new Uint8Array(view.buffer, view.byteOffset, bytes.length).set(bytes);
    return this;
  }

  string(text: string): this {
    const bytes = new TextEncoder().encode(text);
    return this.u64(bytes.length).bytes(bytes);
  }

  value(value: GgufValue): this {
    if (typeof value === "string") return this.u32(8).string(value);
    if (typeof value === "boolean") return this.u32(7).bytes(Uint8Array.of(Number(value)));
    if (typeof value === "number") {
      if (Number.isInteger(value)) return this.u32(4).u32(value);
      this.u32(6).#view(4).setFloat32(0, value, true);
      return this;
    }
    const [first] = value;
    if (typeof first === "boolean")
      return this.u32(9)
        .u32(7)
        .u64(value.length)
        .bytes(Uint8Array.from(value as readonly boolean[], Number));
    const isText = Array.isArray(value) && typeof first === "string";
    const isFloat = value instanceof Float32Array || (value as number[]).some((one) => !Number.isInteger(one));
    this.u32(9)
      .u32(isText ? 8 : isFloat ? 6 : 5)
      .u64(value.length);
    for (const one of value as readonly (string | number)[]) {
      if (typeof one === "string") this.string(one);
      else if (isFloat) this.#view(4).setFloat32(0, one, true);
      else this.#view(4).setInt32(0, one, true);
    }
    return this;
  }

  align(alignment: number): this {
    this.#view((alignment - (this.#at % alignment)) % alignment);
    return this;
  }

  result(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#at);
  }

  /** The next bytes, zero. */
  #view(byteLength: number): DataView {
    const end = this.#at + byteLength;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    const view = new DataView(this.#bytes.buffer, this.#at, byteLength);
    this.#at = end;
    return view;
  }
}
