/**
 * Reads the rows of a stored tensor as f32, a block at a time, whatever its encoding. For tools; loading keeps rows
 * packed.
 */
import { elementCount } from "../../shared/shape.ts";
import type { ReadOptions } from "../byte-source.ts";
import type { Checkpoint } from "../checkpoint.ts";
import { ordered, unpackedRows } from "./arrange-rows.ts";
import { isDecoded, isPackedEncoding, isUnpackedEncoding, type PlaneRole } from "./encoding.ts";
import { readNumbers } from "./packed/integers.ts";
import type { Plane, StoredTensor } from "./stored-tensor.ts";

/** Values of a block. */
const BLOCK_ELEMENTS = 1 << 20;

/**
 * Yields the values of whole rows, in order, as f32. A vector is read as rows of one value each.
 *
 * @throws FoveaError `bad-weights` for values that are not finite; what decoding and reading throw
 */
export async function* readRows(
  { files }: Pick<Checkpoint, "files">,
  tensor: StoredTensor,
  options: ReadOptions,
): AsyncGenerator<Float32Array, void, undefined> {
  const [rows = 1, ...others] = tensor.shape;
  const columns = elementCount(others);
  const period = tensor.rowOrder?.order.length ?? 1;
  const perBlock = Math.max(1, Math.floor(BLOCK_ELEMENTS / Math.max(1, columns) / period)) * period;
  const whole: Partial<Record<PlaneRole, Uint8Array>> = {};
  const read = ({ file, start, end }: Plane, from = 0, to = end - start) =>
    files.get(file)!.read(start + from, start + to, options);
  for (let first = 0; first < rows; first += perBlock) {
    const count = Math.min(perBlock, rows - first);
    const planes: Partial<Record<PlaneRole, Uint8Array>> = {};
    for (const plane of tensor.planes) {
      const rowBytes = plane.rowBytes ?? (isDecoded(tensor.encoding) ? undefined : (plane.end - plane.start) / rows);
      if (rowBytes === undefined) planes[plane.role] = whole[plane.role] ??= await read(plane);
      else planes[plane.role] = await read(plane, first * rowBytes, (first + count) * rowBytes);
    }
    const values = decode(tensor, { first, count, rows, columns, planes });
    yield tensor.rowOrder ? ordered(values, count, tensor.rowOrder.order) : values;
  }
}

interface Block {
  first: number;
  count: number;
  rows: number;
  columns: number;
  planes: Partial<Record<PlaneRole, Uint8Array>>;
}

function decode(tensor: StoredTensor, block: Block): Float32Array {
  const { encoding, name, add = 0 } = tensor;
  if (isUnpackedEncoding(encoding)) return added(encoding.unpack(block), add);
  if (isPackedEncoding(encoding)) return unpackedRows(encoding.decode(block), block.count, block.columns);
  return added(readNumbers(block.planes.values!, { name, dtype: encoding.dtype }), add);
}

/** Adds a number to values in place. */
function added(values: Float32Array, add: number): Float32Array {
  if (add !== 0) for (let i = 0; i < values.length; i++) values[i]! += add;
  return values;
}
