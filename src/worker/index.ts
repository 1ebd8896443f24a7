/** The entry `fovea/worker`: a model whose engine runs in a Web Worker. */
export type * from "../api.ts";
export { FoveaError, type FoveaErrorCode } from "../errors.ts";
export { createFovea, type RemoteFovea } from "./client.ts";
export { keepSmallCopy } from "./keep-copy.ts";
export { planModel } from "./plan-model.ts";
