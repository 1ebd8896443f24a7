/** The picture panel's contents: from the state to one picture, its tokens, and where the chosen words looked. Pure. */
import type { SeenView } from "../../api.ts";
import { type Look, lookAt, tokensOfText } from "./looking.ts";
import { layersOf, type SeenImage, stageCount, type TokenMap, tokenMap } from "./overlay.ts";
import { type Answer, type PageState, type PictureItem, turnsUntil } from "./state.ts";

/** A view that is drawn, and its tokens. */
export interface ShownView {
  view: SeenView;
  map: TokenMap;
}

export interface Viewed {
  picture: PictureItem | undefined;
  image: SeenImage | undefined;
  answer: Answer | undefined;
  /** Names of the layers of views, such as "12 tiles" and "Overview"; empty where there is one. */
  layers: readonly string[];
  /** The layer that is shown. */
  layer: number;
  shown: readonly ShownView[];
  stage: number;
  stages: number;
  look: Look | undefined;
  /** The words that are looked at. */
  words: string;
}

export function viewedOf({ view, draft, turns }: Pick<PageState, "view" | "draft" | "turns">): Viewed {
  const { of } = view;
  if ("draft" in of) return { ...NOTHING, picture: draft[of.draft] };
  const shownTurns = turnsUntil(turns, of.turn);
  const answer = shownTurns.at(-1)?.answers[of.answer];
  const image = answer?.images[of.image] ?? answer?.images.at(-1);
  const pictures = shownTurns.flatMap((turn) => turn.pictures);
  const picture = image?.picture ?? pictures[of.image] ?? pictures.at(-1);
  if (!image || !answer) return { ...NOTHING, picture, answer };
  const layers = layersOf(image.views);
  const layer = Math.min(view.tiles, Math.max(0, layers.length - 1));
  const views = (layers[layer] ?? []).map((index) => image.views[index]!);
  const stages = stageCount(views);
  const stage = view.stage < 0 ? stages : Math.min(view.stage, stages);
  const words = view.words ? answer.text.slice(view.words.start, view.words.end) : "";
  const look = view.words && lookOf(answer, answer.images.indexOf(image as Answer["images"][number]), view);
  const shown = views.flatMap((one): ShownView[] => {
    // Heat is over the tokens that the decoder read, so over the last stage.
    const map = tokenMap(one, look ? stages : stage);
    return map ? [{ view: one, map }] : [];
  });
  const names = layers.length > 1 ? layers.map(({ length }) => (length > 1 ? `${length} tiles` : "Overview")) : [];
  return { picture, image, answer, layers: names, layer, shown, stage, stages, words, look };
}

const NOTHING = {
  ...{ picture: undefined, image: undefined, answer: undefined, look: undefined },
  ...{ layers: [], layer: 0, shown: [], stage: 0, stages: 0, words: "" },
};

function lookOf({ attention, images }: Answer, index: number, { words, layer }: PageState["view"]): Look | undefined {
  if (!attention || attention.layers.length === 0 || !words) return undefined;
  const tokens = tokensOfText(attention.ends, words);
  if (tokens.length === 0) return undefined;
  const start = images.slice(0, index).reduce((sum, image) => sum + image.tokens, 0);
  return lookAt(attention, tokens, layer, { start, end: start + images[index]!.tokens });
}
