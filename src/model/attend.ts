/** Attention of a chunk of rows over the KV cache, by the kernel that suits their number. */
import type { Recorder } from "../gpu/pass.ts";
import { type AttentionArgs, attention } from "../kernels/attention.ts";
import { type AttentionDecodeArgs, attentionDecode } from "../kernels/attention-decode.ts";

export interface AttendArgs
  extends Omit<AttentionArgs, "firstRow" | "logSumExp">,
    Pick<AttentionDecodeArgs, "partials"> {
  /** Row of the cache that row 0 of q is. The chunk's rows are the cache's last: keys = chunkRow + rows. */
  chunkRow: number;
}

/** y = softmax(q k^T * scale, unseen and inhibited pairs at -inf) v. */
export function attend(recorder: Recorder, { partials, ...args }: AttendArgs): void {
  if (args.rows === 1) attentionDecode(recorder, { ...args, partials });
  else attention(recorder, args);
}
