import { expect, test } from "vitest";
import type { AnswerAttention, SeenView } from "../../src/api.ts";
import { type Answer, FIRST_VIEW, type PageState, type PictureItem, type Turn } from "../../src/app/logic/state.ts";
import { viewedOf } from "../../src/app/logic/viewing.ts";

const picture: PictureItem = { id: 1, name: "cat", blob: new Blob(), url: "blob:1", width: 40, height: 20 };

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
  const answer = {
    text: "A cat",
    attention,
    images: images.map((views) => ({ picture, views, tokens: views.length, milliseconds: 1 })),
  } as unknown as Answer;
  const turn: Turn = { id: 7, follows: [], question: "What?", pictures: [picture], answers: [answer] };
  return {
    draft: [],
    turns: [turn],
    view: { ...FIRST_VIEW, of: { turn: 7, answer: 0, image: images.length - 1 }, ...view },
  };
}

const TILES = [viewAt(0, 2, 0), viewAt(20, 2, 1)];
const OVERVIEW = { ...viewAt(0, 4, 2), toPicture: [4, 0, 0, 2, 0, 0] as SeenView["toPicture"] };

test("tiles are shown first, and the overview when it is chosen", () => {
  const first = viewedOf(stateOf([[...TILES, OVERVIEW]]));
  expect(first).toMatchObject({ layers: ["2 tiles", "Overview"], layer: 0, stages: 0 });
  expect(first.shown.map(({ view }) => view)).toEqual(TILES);
  const second = viewedOf(stateOf([[...TILES, OVERVIEW]], { tiles: 1 }));
  expect(second.layer).toBe(1);
  expect(second.shown.map(({ view }) => view)).toEqual([OVERVIEW]);
});

test("with one view there is nothing to choose, whatever was chosen before", () => {
  const viewed = viewedOf(stateOf([[OVERVIEW]], { tiles: 1 }));
  expect(viewed).toMatchObject({ layers: [], layer: 0 });
  expect(viewed.shown).toHaveLength(1);
});

test("a picture without views is only shown", () => {
  expect(viewedOf(stateOf([[]]))).toMatchObject({ layers: [], shown: [], stages: 0, picture });
});

test("a look is over the tokens of its own picture", () => {
  const focus = { data: Float32Array.of(8, 1, 2, 4), rows: 1, cols: 4 };
  const attention = { ends: Uint32Array.of(5), layers: [{ layer: 0, ratio: 0, focus, inhibited: new Uint8Array(4) }] };
  const words = { words: { start: 0, end: 1 } };
  const viewed = viewedOf(stateOf([[OVERVIEW], [...TILES, OVERVIEW]], words, attention));
  expect([...viewed.look!.heat]).toEqual([0.25, 0.5, 1]);
  expect(viewed.shown.map(({ view }) => viewed.look!.heat[view.columns[0]!])).toEqual([0.25, 0.5]);
});
