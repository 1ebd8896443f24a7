/** Writes safetensors files, right ones and wrong ones, for the tests of this folder. */

export interface TensorSpec {
  name: string;
  dtype: string;
  shape: number[];
  bytes: Uint8Array;
}

/** A file from its parts; `header` may be anything, which is the point. */
export function fileOf(header: string | Uint8Array, data: Uint8Array = new Uint8Array(0)): Uint8Array<ArrayBuffer> {
  const json = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + json.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  file.set(data, 8 + json.length);
  return file;
}

/** A well-formed file. `padding` spaces after the header shift the data, to any alignment. */
export function safetensorsFile(tensors: readonly TensorSpec[], padding = 0): Uint8Array<ArrayBuffer> {
  let at = 0;
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  const data = new Uint8Array(tensors.reduce((sum, { bytes }) => sum + bytes.length, 0));
  for (const { name, dtype, shape, bytes } of tensors) {
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    data.set(bytes, at);
    at += bytes.length;
  }
  return fileOf(JSON.stringify(header) + " ".repeat(padding), data);
}

/** Bytes that differ from their neighbours and from those of other seeds. */
export function patternBytes(byteLength: number, seed = 1): Uint8Array<ArrayBuffer> {
  const next = randomUint32(seed);
  const words = new Uint32Array(Math.ceil(byteLength / 4));
  for (let i = 0; i < words.length; i++) words[i] = next();
  return new Uint8Array(words.buffer, 0, byteLength).slice();
}

/** A generator of 32-bit numbers (xorshift), the same for the same seed. */
export function randomUint32(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}

/** An F32 tensor of patterned bytes. */
export function f32(name: string, elements: number, seed = elements + 1): TensorSpec {
  return { name, dtype: "F32", shape: [elements], bytes: patternBytes(elements * 4, seed) };
}
