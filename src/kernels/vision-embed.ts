/** The vision encoder's input sequence: class token (where there is one), patches, learned positions. */
import shader from "../../shaders/vision-embed.wgsl?raw";
import { Kernel } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkShape, elementGrid, matrixShape } from "./common.ts";

const kernel = new Kernel({
  name: "vision-embed",
  shader,
  bindings: { patch_embeddings: "read", class_embedding: "read", positions: "read", y: "write" },
  params: { rows: "u32", width: "u32" },
});

export interface VisionEmbedArgs {
  patchEmbeddings: Tensor; // [N, C]
  classEmbedding?: Tensor | undefined; // [C]; becomes row 0
  positions: Tensor; // [T, C], T = N + 1 with a class token, else N
  y: Tensor; // [T, C]
}

/** y = cat(class, patches) + positions. */
export function visionEmbed(
  recorder: Recorder,
  { patchEmbeddings, classEmbedding, positions, y }: VisionEmbedArgs,
): void {
  const [patches, width] = matrixShape("vision-embed patches", patchEmbeddings);
  const classTokens = classEmbedding ? 1 : 0;
  const rows = patches + classTokens;
  if (classEmbedding) checkShape("vision-embed class", classEmbedding, [width]);
  checkShape("vision-embed positions", positions, [rows, width]);
  checkShape("vision-embed y", y, [rows, width]);
  recorder.dispatch(
    kernel.variant({ constants: { CLASS_TOKENS: classTokens } }),
    { patch_embeddings: patchEmbeddings, class_embedding: classEmbedding ?? positions, positions, y },
    { rows, width },
    elementGrid(rows * width, 64),
  );
}
