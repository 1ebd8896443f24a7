/** Shaders and libraries that only software adapters run. */
export { default as attentionDecodeQuad } from "../../shaders/attention-decode-quad.wgsl?raw";
export { default as attentionQuad } from "../../shaders/attention-quad.wgsl?raw";
export { default as importanceQuad } from "../../shaders/importance-quad.wgsl?raw";
export { default as quadProducts } from "../../shaders/lib/quad-products.wgsl?raw";
export { default as reduceQuad } from "../../shaders/lib/reduce-quad.wgsl?raw";
export { default as rowProductQuad } from "../../shaders/lib/row-product-quad.wgsl?raw";
export { default as teamAlone } from "../../shaders/lib/team-alone.wgsl?raw";
