/** The rows of an encoder that the connector reads. */
import type { Arena } from "../../gpu/arena.ts";
import type { Recorder } from "../../gpu/pass.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { copyRows } from "../../kernels/copy-rows.ts";

/**
 * The rows of a batch without the first `dropped` of each view, such as a class token's.
 *
 * @param hidden [B * T, C]
 * @param arenas `kept`, where the caller keeps a copy of the rows, or else `scratch` owns the result
 * @returns [B * (T - dropped), C]; `hidden` itself where nothing is dropped or kept
 */
export function connectorRows(
  recorder: Recorder,
  hidden: Tensor,
  { views, dropped }: { views: number; dropped: number },
  { kept, scratch }: { kept: Arena | undefined; scratch: Arena },
): Tensor {
  if (dropped === 0 && !kept) return hidden;
  const [rows, width] = hidden.shape as [number, number];
  const each = rows / views - dropped;
  const features = (kept ?? scratch).tensor("image features", [views * each, width]);
  const y = features;
  if (dropped === 0) copyRows(recorder, { x: hidden, y, xRow: 0, yRow: 0, rows });
  else
    for (let index = 0; index < views; index++)
      copyRows(recorder, { x: hidden, y, xRow: index * (each + dropped) + dropped, yRow: index * each, rows: each });
  return features;
}
