/** Layers with a state instead of attention, which few models have. */
export { shortConv } from "../../kernels/short-conv.ts";
export { recordDelta } from "./delta-layer.ts";
