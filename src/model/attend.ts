/** Causal attention of a chunk of rows over the KV cache, by the kernel that suits their number. */
import type { Recorder } from "../gpu/pass.ts";
import { type AttentionArgs, attention } from "../kernels/attention.ts";
import { type AttentionDecodeArgs, attentionDecode } from "../kernels/attention-decode.ts";

export interface AttendArgs extends Omit<AttentionArgs, "causal" | "logSumExp">, Pick<AttentionDecodeArgs, "partials"> {
  /** The cache's row that row 0 of q is; the chunk's are the last rows: keys = chunkRow + rows. */
  chunkRow: number;
}

/** y = softmax(q k^T * scale, later rows and inhibited pairs at -inf) v. */
export function attend(recorder: Recorder, { chunkRow, partials, ...args }: AttendArgs): void {
  // A chunk's only row is the last row of the cache and sees all of it.
  if (args.rows === 1) attentionDecode(recorder, { ...args, partials });
  else attention(recorder, { ...args, causal: { queryOffset: chunkRow } });
}
