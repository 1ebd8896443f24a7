/** The public interface of Fovea. */
export type * from "./api.ts";
export { Fovea } from "./engine/fovea.ts";
export { FoveaError, type FoveaErrorCode } from "./errors.ts";
