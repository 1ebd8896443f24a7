/** How a model reads a video, with room for the pictures in its context. Loaded with the first video. */
import type { VideoRule } from "../shared/video.ts";
import { PLAIN_RULE } from "../video/video-parts.ts";
import type { Engine } from "./engine.ts";
import { needPictures } from "./pictures.ts";

/** Of the context, for all pictures of one video: a question and an answer find room beside them. */
const SHARE_OF_CONTEXT = 0.5;
/** Tokens of a picture at least, where the model reads pictures of any size: 224 x 224 pixels of a published model. */
const LEAST_TOKENS = 64;

/** The model's own rule, within what half of the context holds, and what the model keeps apart. Throws FoveaError `unsupported-model`. */
export function videoRule(engine: Engine): VideoRule {
  const { encoder, pictures } = needPictures(engine);
  const { grid } = engine.spec.encoder!.positions;
  const rule = pictures.video ?? PLAIN_RULE;
  const room = Math.floor((engine.text?.contextLength ?? 0) * SHARE_OF_CONTEXT);
  const { shaped } = pictures;
  const tokens = shaped ? LEAST_TOKENS : encoder.rows.rowsOf(grid);
  const apart = engine.about?.maxPictures ?? Number.POSITIVE_INFINITY;
  const maxFrames = Math.max(1, Math.min(rule.maxFrames, apart, Math.floor(room / tokens)));
  if (!shaped) return { ...rule, maxFrames };
  // All pictures of a video together have the pixels that a picture has by default.
  const { tokenPixels, maxPixels, usualPixels = maxPixels } = shaped;
  const most = Math.min(usualPixels, room * tokenPixels);
  return {
    ...rule,
    maxFrames,
    budget: (frames) => ({ maxPixels: Math.max(tokenPixels, Math.floor(most / frames)), ...rule.budget?.(frames) }),
  };
}
