import { expect, test } from "vitest";
import type { AnswerAttention, SeenView } from "../../src/api.ts";
import { FIRST_VIEW, initialState, type PageState, type PictureItem } from "../../src/app/logic/state.ts";
import { viewedOf } from "../../src/app/logic/viewing.ts";
import type { ChatTurn } from "../../src/element/fovea-chat.ts";
import type { Answer } from "../../src/element/turns.ts";

const picture: PictureItem = { name: "cat", url: "blob:1", width: 40, height: 20 };
const itemOf = ({ name }: { name: string }) => ({ ...picture, name });

/** One patch of 10 x 10 pixels that lies at (x, 0), `scale` times as large. */
function viewAt(x: number, scale: number, column: number): SeenView {
  return {
    ...{ rows: 1, cols: 1, cell: 1, patch: 10, width: 10, height: 10 },
    toPicture: [scale, 0, 0, scale, x, 0],
    columns: Uint32Array.of(column),
    stages: [],
  };
}

/** One answered question about pictures with these views. */
function stateOf(images: SeenView[][], view: Partial<PageState["view"]> = {}, attention?: AnswerAttention) {
  const seen = images.map((views) => ({ views, tokens: views.length, milliseconds: 1 }));
  const answer = { text: "A cat", attention, seen } as unknown as Answer;
  const pictures = images.map((_, i) => ({ name: `cat ${i}` })) as unknown as ChatTurn["pictures"];
  const turn: ChatTurn = { id: 7, question: "What?", pictures, answers: [answer], shown: 0 };
  return { turns: [turn], view: { ...FIRST_VIEW, ...view }, model: initialState().model };
}

const TILES = [viewAt(0, 2, 0), viewAt(20, 2, 1)];
const OVERVIEW = { ...viewAt(0, 4, 2), toPicture: [4, 0, 0, 2, 0, 0] as SeenView["toPicture"] };

test("tiles are shown first, and the overview when it is chosen", () => {
  const first = viewedOf(stateOf([[...TILES, OVERVIEW]]), itemOf);
  expect(first).toMatchObject({ layers: ["2 tiles", "Overview"], layer: 0, stages: 0 });
  expect(first.shown.map(({ view }) => view)).toEqual(TILES);
  const second = viewedOf(stateOf([[...TILES, OVERVIEW]], { tiles: 1 }), itemOf);
  expect(second.layer).toBe(1);
  expect(second.shown.map(({ view }) => view)).toEqual([OVERVIEW]);
});

test("with one view there is nothing to choose, whatever was chosen before", () => {
  const viewed = viewedOf(stateOf([[OVERVIEW]], { tiles: 1 }), itemOf);
  expect(viewed).toMatchObject({ layers: [], layer: 0 });
  expect(viewed.shown).toHaveLength(1);
});

test("a picture without views is only shown", () => {
  expect(viewedOf(stateOf([[]]), itemOf)).toMatchObject({
    ...{ layers: [], shown: [], stages: 0, names: ["cat 0"], index: 0 },
    picture: { name: "cat 0" },
  });
});

test("a look is over the tokens of its own picture", () => {
  const focus = { data: Float32Array.of(8, 1, 2, 4), rows: 1, cols: 4 };
  const attention = { ends: Uint32Array.of(5), layers: [{ layer: 0, ratio: 0, focus, inhibited: new Uint8Array(4) }] };
  const words = { words: { start: 0, end: 1 }, mode: "gaze" as const };
  const viewed = viewedOf(stateOf([[OVERVIEW], [...TILES, OVERVIEW]], words, attention), itemOf);
  expect([...viewed.look!.heat]).toEqual([0.25, 0.5, 1]);
  expect(viewed.shown.map(({ view }) => viewed.look!.heat[view.columns[0]!])).toEqual([0.25, 0.5]);
});

test("an answer is shown with the pictures that it is about, whatever became of the turns before it", () => {
  const state = stateOf([[OVERVIEW]]);
  const [first] = state.turns;
  const named = (name: string, change: object = {}): ChatTurn => ({
    ...first!,
    ...{ id: name.charCodeAt(0), pictures: [{ name }] as unknown as ChatTurn["pictures"] },
    ...change,
  });
  const answered = (seen: number) => {
    const answer = { ...first!.answers[0]!, state: "stop", seen: Array(seen).fill(first!.answers[0]!.seen[0]) };
    return { answers: [answer] };
  };
  const failed = { answers: [{ ...first!.answers[0]!, text: "", state: "failed", seen: [] }] };
  const names = (turns: ChatTurn[], model: Partial<PageState["model"]> = {}) =>
    viewedOf({ ...state, turns, model: { ...state.model, ...model } }, itemOf).names;
  expect(names([named("a", answered(1)), named("b", failed), named("c", answered(2))])).toEqual(["a", "c"]);
  expect(names([named("a", { ...answered(1), leftOut: "turn" }), named("b", answered(1))])).toEqual(["b"]);
  expect(names([named("a", { ...answered(1), leftOut: "pictures" }), named("b", answered(1))])).toEqual(["b"]);
  // This answer was written before the turn was left out.
  expect(names([named("a", { ...answered(1), leftOut: "turn" })])).toEqual(["a"]);
  const info = { maxPictures: 1 } as PageState["model"]["info"];
  expect(names([named("a", answered(1)), named("b", answered(1))], { info })).toEqual(["b"]);
});

test("without an answer there is only the picture, and before the first question nothing", () => {
  expect(viewedOf(initialState(), itemOf)).toMatchObject({ picture: undefined, names: [], shown: [] });
  const state = stateOf([[OVERVIEW]]);
  const waiting = { ...state.turns[0]!, id: 8, pictures: [], answers: [{ ...state.turns[0]!.answers[0]!, seen: [] }] };
  expect(viewedOf({ ...state, turns: [...state.turns, waiting] }, itemOf)).toMatchObject({
    turn: { id: 8 },
    picture: { name: "cat 0" },
    shown: [],
  });
});

test("the picture mode shows the picture as it enters, whatever stage was chosen", () => {
  expect(viewedOf(stateOf([[...TILES, OVERVIEW]], { mode: "picture", stage: 3 }), itemOf).stage).toBe(0);
});
