/** Attention of one decoder layer: the interface that the decoder calls, and its plain form. inhibition/ has the other. */
import type { Recorder } from "../../gpu/pass.ts";
import { type AttentionArgs, attention } from "../../kernels/attention.ts";
import { type AttentionDecodeArgs, attentionDecode } from "../../kernels/attention-decode.ts";

export interface AttendArgs
  extends Omit<AttentionArgs, "firstRow" | "logSumExp">,
    Pick<AttentionDecodeArgs, "partials"> {
  /** Cache row of row 0 of q. The chunk's rows are the cache's last: keys = chunkRow + rows. */
  chunkRow: number;
}

export interface LayerAttention {
  /**
   * Records attention of a chunk of rows over the layer's cache into `args.y`. Rows come in order, each once per layer;
   * truncated rows may be written again.
   */
  record(recorder: Recorder, layer: number, args: Omit<AttendArgs, "inhibited">): void;
}

export const plainAttention: LayerAttention = {
  record(recorder, _layer, args) {
    attend(recorder, args);
  },
};

/** y = softmax(q k^T * scale, unseen and inhibited pairs at -inf) v, by the kernel for the number of rows. */
export function attend(recorder: Recorder, { partials, ...args }: AttendArgs): void {
  if (args.rows === 1) attentionDecode(recorder, { ...args, partials });
  else attention(recorder, args);
}
