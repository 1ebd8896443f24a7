/** What the picture panel shows: from the state to one picture, its tokens, and where the chosen words looked. Pure. */
import { type Look, lookAt, tokensOfText } from "./looking.ts";
import { type SeenImage, stageCount, type TokenMap, tokenMap } from "./overlay.ts";
import { type Answer, type PageState, type PictureItem, turnsUntil } from "./state.ts";

export interface Viewed {
  picture: PictureItem | undefined;
  image: SeenImage | undefined;
  answer: Answer | undefined;
  stage: number;
  stages: number;
  map: TokenMap | undefined;
  look: Look | undefined;
  /** The words that are looked at. */
  words: string;
}

export function viewedOf({ view, draft, turns }: Pick<PageState, "view" | "draft" | "turns">): Viewed {
  const { of } = view;
  if ("draft" in of) return { ...NOTHING, picture: draft[of.draft] };
  const shown = turnsUntil(turns, of.turn);
  const answer = shown.at(-1)?.answers[of.answer];
  const image = answer?.images[of.image] ?? answer?.images.at(-1);
  const pictures = shown.flatMap((turn) => turn.pictures);
  const picture = image?.picture ?? pictures[of.image] ?? pictures.at(-1);
  if (!image || !answer) return { ...NOTHING, picture, answer };
  const stages = stageCount(image);
  const stage = view.stage < 0 ? stages : Math.min(view.stage, stages);
  const words = view.words ? answer.text.slice(view.words.start, view.words.end) : "";
  const look = view.words && lookOf(answer, answer.images.indexOf(image as Answer["images"][number]), view);
  // Heat is over the tokens that the decoder read, so over the last stage.
  return { picture, image, answer, stage, stages, words, look, map: tokenMap(image, look ? stages : stage) };
}

const NOTHING = {
  ...{ picture: undefined, image: undefined, answer: undefined, map: undefined, look: undefined },
  ...{ stage: 0, stages: 0, words: "" },
};

function lookOf({ attention, images }: Answer, index: number, { words, layer }: PageState["view"]): Look | undefined {
  if (!attention || attention.layers.length === 0 || !words) return undefined;
  const tokens = tokensOfText(attention.ends, words);
  if (tokens.length === 0) return undefined;
  const start = images.slice(0, index).reduce((sum, image) => sum + image.tokens, 0);
  return lookAt(attention, tokens, layer, { start, end: start + images[index]!.tokens });
}
