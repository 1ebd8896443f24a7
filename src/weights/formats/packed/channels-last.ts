/**
 * Convolutions whose channels are the last dimension, as MLX stores them: [out, height, width, in] in place of
 * [out, in, height, width]. They are found by their shape: pictures have three channels, and no patch is three pixels
 * wide.
 */
import type { TensorEntry } from "../../safetensors.ts";
import type { StoredRows } from "../encoding.ts";
import type { StoredTensor } from "../stored-tensor.ts";
import { readNumbers } from "./integers.ts";
import { FLOAT_DTYPES, planesOf } from "./packed-tensor.ts";

const CHANNELS = 3;

/** The tensors of this layout, in the layout of other files. */
export function findChannelsLast(entries: Iterable<TensorEntry>): StoredTensor[] {
  return [...entries].flatMap((entry) => {
    const { name, dtype, shape } = entry;
    if (!name.endsWith(".weight") || !(FLOAT_DTYPES as readonly string[]).includes(dtype)) return [];
    if (shape.length === 3 && shape[2] === 1 && shape[1]! > 1) return [moved(entry, [shape[0]!, 1, shape[1]!])];
    if (shape.length < 4 || shape.length > 5 || shape.at(-1) !== CHANNELS || shape[1] === CHANNELS) return [];
    return [moved(entry, [shape[0]!, CHANNELS, ...shape.slice(1, -1)])];
  });
}

function moved(entry: TensorEntry, shape: readonly number[]): StoredTensor {
  const [channels, ...sides] = shape.slice(1);
  const places = sides.reduce((product, side) => product * side, 1);
  return {
    name: entry.name,
    shape,
    planes: planesOf({ values: entry }, shape[0]!, ["values"]),
    encoding: {
      id: entry.dtype,
      dtype: "F32",
      unpack({ count: rows, planes }: StoredRows): Float32Array<ArrayBuffer> {
        const stored = readNumbers(planes.values!, entry);
        const values = new Float32Array(stored.length);
        for (let row = 0; row < rows; row++)
          for (let place = 0; place < places; place++)
            for (let channel = 0; channel < channels!; channel++)
              values[(row * channels! + channel) * places + place] =
                stored[(row * places + place) * channels! + channel]!;
        return values;
      },
    },
  };
}
