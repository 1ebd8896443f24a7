/** The entry `fovea/remote`: a model on a server, with the interface of a loaded one. */
export type * from "../api.ts";
export { FoveaError, type FoveaErrorCode } from "../errors.ts";
export type { RemoteOptions, RemoteTimeouts } from "./options.ts";
export { createRemote, type RemoteModel } from "./remote.ts";
export { ServerError } from "./server-error.ts";
export type { ServerKind } from "./servers.ts";
