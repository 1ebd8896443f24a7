/** The inspector's contents: from the state to one picture, its tokens, and where the chosen words looked. Pure. */
import type { ImageInput, SeenView } from "../../api.ts";
import type { ChatTurn } from "../../element/fovea-chat.ts";
import { type Answer, picturesOf, readTurns, type SeenPicture, shownAnswer } from "../../element/turns.ts";
import { type Look, lookAt, tokensOfText } from "./looking.ts";
import { layersOf, stageCount, type TokenMap, tokenMap } from "./overlay.ts";
import type { PageState, PictureItem } from "./state.ts";

/** A view that is drawn, and its tokens. */
export interface ShownView {
  view: SeenView;
  map: TokenMap;
}

export interface Viewed {
  picture: PictureItem | undefined;
  image: SeenPicture | undefined;
  turn: ChatTurn | undefined;
  answer: Answer | undefined;
  /** Names of all pictures that the answer is about. */
  names: readonly string[];
  /** Index of the picture among them. */
  index: number;
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

/** @param itemOf a picture of the conversation for drawing, if it is known by now */
export function viewedOf(
  { view, turns, model }: Pick<PageState, "view" | "turns" | "model">,
  itemOf: (picture: { image: ImageInput; name: string }) => PictureItem | undefined,
): Viewed {
  const found = turns.findIndex(({ id }) => id === view.turn);
  const at = found < 0 ? turns.length - 1 : found;
  const turn = turns[at];
  const answer = turn && shownAnswer(turn);
  const pictures = readPictures(turns, at, model.info?.maxPictures);
  const names = pictures.map(({ name }) => name);
  const index = view.image < 0 || view.image >= pictures.length ? pictures.length - 1 : view.image;
  const picture = pictures[index] && itemOf(pictures[index]);
  // A classifier reads the last picture only.
  const image = answer?.seen[index] ?? answer?.seen.at(-1);
  const base = { ...NOTHING, turn, answer, names, index, picture };
  if (!image || !answer) return base;
  const layers = layersOf(image.views);
  const layer = Math.min(view.tiles, Math.max(0, layers.length - 1));
  const views = (layers[layer] ?? []).map((one) => image.views[one]!);
  const stages = stageCount(views);
  const last = view.stage < 0 ? stages : Math.min(view.stage, stages);
  const stage = view.mode === "picture" ? 0 : last;
  const look = view.mode === "gaze" && view.words ? lookOf(answer, answer.seen.indexOf(image), view) : undefined;
  const words = look && view.words ? answer.text.slice(view.words.start, view.words.end) : "";
  const shown = views.flatMap((one): ShownView[] => {
    // Heat is over the tokens that the decoder read, so over the last stage.
    const map = tokenMap(one, look ? stages : stage);
    return map ? [{ view: one, map }] : [];
  });
  const layerNames = layers.length > 1 ? layers.map(({ length }) => (length > 1 ? `${length} tiles` : "Overview")) : [];
  return { ...base, image, layers: layerNames, layer, shown, stage, stages, words, look };
}

/** The pictures that the shown answer of a turn is about, in their order. */
function readPictures(turns: readonly ChatTurn[], at: number, maxPictures: number | undefined) {
  const turn = turns[at];
  if (!turn) return [];
  const pictures = [...readTurns(turns.slice(0, at), turn, maxPictures), turn].flatMap(picturesOf);
  const { seen } = shownAnswer(turn);
  // This answer may have read turns that a later question left out, and the other way round.
  return seen.length > 0 ? pictures.slice(-seen.length) : pictures;
}

const NOTHING = {
  image: undefined,
  look: undefined,
  layers: [],
  layer: 0,
  shown: [],
  stage: 0,
  stages: 0,
  words: "",
};

function lookOf({ attention, seen }: Answer, index: number, { words, layer }: PageState["view"]): Look | undefined {
  if (!attention || attention.layers.length === 0 || !words) return undefined;
  const tokens = tokensOfText(attention.ends, words);
  if (tokens.length === 0) return undefined;
  const start = seen.slice(0, index).reduce((sum, image) => sum + image.tokens, 0);
  return lookAt(attention, tokens, layer, { start, end: start + seen[index]!.tokens });
}
