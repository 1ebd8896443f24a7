/** Videos with a time before each picture, as Qwen3-VL was trained. Source: transformers, `processing_qwen3_vl.py`. */
import type { VideoRule } from "../../shared/video.ts";

export const STAMPED_VIDEO: VideoRule = {
  framesPerSecond: 2,
  maxFrames: 64,
  stamp: (_, seconds) => `<${seconds.toFixed(1)} seconds>`,
};
