/** The tensors for attention inside windows: orders of cells, and key ranges. */
import type { Arena } from "../../gpu/arena.ts";
import type { GpuMemory } from "../../gpu/planning.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { orderedRanges, type WindowOrder } from "./windows.ts";

export interface WindowTensors {
  /** Raster index of the cell at each place, in window order. */
  order: Uint32Array; // [N]
  toWindows: Tensor; // [B, N] u32
  toRaster: Tensor; // [B, N] u32
  /** Key ranges of rows in window order. */
  visible: Tensor; // [B * N * S, 2] u32
}

/** Takes the tensors from `arena`. @param batch views, and S, rows of a cell */
export function windowTensors(
  gpu: Pick<GpuMemory, "upload">,
  arena: Arena,
  windows: WindowOrder,
  { views, seats }: { views: number; seats: number },
): WindowTensors {
  const uploaded = (label: string, shape: readonly number[], values: Uint32Array): Tensor => {
    const tensor = arena.tensor(label, shape, "u32");
    gpu.upload(tensor, values);
    return tensor;
  };
  const orderOfAll = (order: Uint32Array) => {
    const ofAll = new Uint32Array(views * order.length);
    for (let i = 0; i < views; i++) ofAll.set(order, i * order.length);
    return uploaded("order of cells", [views, order.length], ofAll);
  };
  const ranges = orderedRanges(windows, views, seats);
  return {
    order: windows.order,
    toWindows: orderOfAll(windows.order),
    toRaster: orderOfAll(windows.inverse),
    visible: uploaded("rows that a row sees", [ranges.length / 2, 2], ranges),
  };
}
