/** The public interface of Fovea. */
export type * from "./api.ts";
export { guessFit } from "./engine/fit.ts";
export { Fovea } from "./engine/fovea.ts";
export { keepSmallCopy } from "./engine/keep-copy.ts";
export { planModel } from "./engine/plan-model.ts";
export { searchHub } from "./engine/search-hub.ts";
export { FoveaError, type FoveaErrorCode } from "./errors.ts";
export { type PdfPagesOptions, type PdfPicture, pdfPages } from "./pdf/pdf-pages.ts";
export { type VideoFramesOptions, type VideoPicture, videoFrames } from "./video/video-frames.ts";
export {
  deleteStoredConversation,
  deleteStoredModel,
  storageReport,
  storedConversations,
  storedModels,
} from "./weights/storage.ts";
