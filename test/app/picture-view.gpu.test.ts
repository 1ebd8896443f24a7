/** The drawing over a picture: where tiles and cells lie, and what the pointer finds. */
import { beforeAll, expect, onTestFinished, test } from "vitest";
import type { CompressionStage, SeenView } from "../../src/api.ts";
import { heatPixels } from "../../src/app/logic/heat-picture.ts";
import { tokenMap } from "../../src/app/logic/overlay.ts";
import type { Viewed } from "../../src/app/logic/viewing.ts";
import { PictureView } from "../../src/app/parts/picture-view.ts";

/** Left half red, right half blue. */
const PICTURE = { name: "cat", url: "", width: 400, height: 200 };

/** 2 x 4 patches of 10 pixels in cells of 2 x 2, twice as large on the picture; its two cells became these tokens. */
function tile(x: number, y: number, tokens: number[][], column: number): SeenView {
  const origins = tokens.map((cells) => Uint32Array.from(cells));
  return {
    ...{ rows: 2, cols: 4, cell: 2, patch: 10, width: 40, height: 20 },
    toPicture: [5, 0, 0, 5, x, y],
    columns: Uint32Array.from(tokens, (_, token) => column + token),
    stages: [{ origins } as CompressionStage],
  };
}

// The second tile hangs over the right and the bottom: its padding is no picture.
const TILES = [tile(0, 0, [[0, 1]], 0), tile(200, 120, [[0], [1]], 1), tile(0, 100, [[0]], 3)];

function viewedAs(more: Partial<Viewed>): Viewed {
  const stage = more.stage ?? 1;
  return {
    ...{ picture: PICTURE, answer: undefined, look: undefined, words: "", layers: [], layer: 0, stages: 1, stage },
    ...{ turn: undefined, names: ["cat"], index: 0 },
    image: { tokens: 4, milliseconds: 1, views: TILES },
    shown: TILES.map((view) => ({ view, map: tokenMap(view, stage)! })),
    ...more,
  };
}

beforeAll(() => {
  customElements.define("app-picture-view", PictureView);
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: 400, height: 200 });
  const context = canvas.getContext("2d")!;
  context.fillStyle = "#f00";
  context.fillRect(0, 0, 200, 200);
  context.fillStyle = "#00f";
  context.fillRect(200, 0, 200, 200);
  PICTURE.url = canvas.toDataURL();
});

async function show(viewed: Viewed) {
  const element = document.createElement("app-picture-view") as PictureView;
  element.viewed = viewed;
  element.style.width = "400px";
  document.body.append(element);
  onTestFinished(() => element.remove());
  await element.updateComplete;
  const places = (className: string) =>
    [...element.renderRoot.querySelectorAll(`rect.${className}`)].map((rectangle) =>
      ["x", "y", "width", "height"].map((name) => Number(rectangle.getAttribute(name))),
    );
  const caption = () => element.renderRoot.querySelector("figcaption")!.textContent;
  const point = async (x: number, y: number) => {
    const svg = element.renderRoot.querySelector("svg")!;
    const { x: clientX, y: clientY } = new DOMPoint(x, y).matrixTransform(svg.getScreenCTM()!);
    svg.dispatchEvent(new PointerEvent("pointermove", { clientX, clientY, bubbles: true }));
    await element.updateComplete;
  };
  return { element, places, caption, point };
}

test("merged and dropped cells and the tiles lie on the picture as it was given, cut at its border", async () => {
  const { element, places, caption } = await show(viewedAs({}));
  expect(element.renderRoot.querySelector("svg")!.getAttribute("viewBox")).toBe("0 0 400 200");
  expect(places("merged")).toEqual([
    [0, 0, 100, 100],
    [100, 0, 100, 100],
  ]);
  expect(places("dropped")).toEqual([[100, 100, 100, 100]]);
  expect(places("view")).toEqual([
    [0, 0, 200, 100],
    [200, 120, 200, 80],
    [0, 100, 200, 100],
  ]);
  expect(caption()).toBe("Stage 1 of 1: 4 tokens: 3 cells kept, 1 cluster of 2 cells, 1 dropped");
});

test("a cluster has the mean colour of the picture below its cells", async () => {
  // One in the red half, one in the blue one, one of a cell in each.
  const whole = { ...tile(0, 0, [[0, 1]], 0), toPicture: [10, 0, 0, 10, 0, 0] as SeenView["toPicture"] };
  const views = [tile(0, 0, [[0, 1]], 0), tile(200, 0, [[0, 1]], 1), whole];
  const { element } = await show(viewedAs({ shown: views.map((view) => ({ view, map: tokenMap(view, 1)! })) }));
  const fills = () => [...element.renderRoot.querySelectorAll("rect.merged")].map((one) => one.getAttribute("fill"));
  const [red, blue, both] = ["rgb(255 0 0)", "rgb(0 0 255)", "rgb(128 0 128)"];
  await expect.poll(fills).toEqual([red, red, blue, blue, both, both]);
});

test("a view of the whole picture has no outline, and a picture without an answer nothing at all", async () => {
  const whole = { ...tile(0, 0, [[0], [1]], 0), toPicture: [10, 0, 0, 10, 0, 0] as SeenView["toPicture"] };
  const { places } = await show(viewedAs({ shown: [{ view: whole, map: tokenMap(whole, 0)! }], stage: 0 }));
  expect([...places("view"), ...places("merged")]).toEqual([]);
  const alone = await show(viewedAs({ image: undefined, shown: [], stages: 0 }));
  expect(alone.element.renderRoot.querySelectorAll("rect")).toHaveLength(0);
  expect(alone.caption()).toBe("400 × 200 pixels");
});

test("the pointer finds the token of its tile, and all of its cells", async () => {
  const { places, caption, point } = await show(viewedAs({}));
  await point(150, 50);
  expect(caption()).toBe("Token 1 of this tile is merged from 2 cells.");
  expect(places("pointed")).toEqual([
    [0, 0, 100, 100],
    [100, 0, 100, 100],
  ]);
  await point(350, 150);
  expect(caption()).toBe("Token 2 of this tile is this cell.");
  expect(places("pointed")).toEqual([[300, 120, 100, 80]]);
  await point(150, 150);
  expect(caption()).toBe("This cell was dropped.");
  await point(300, 50);
  expect(caption()).toMatch(/^Stage 1 of 1/);
});

test("a gaze is drawn by the tokens' columns, and not over dropped cells", async () => {
  const look = { heat: Float32Array.of(0, 0.5, 1, 0.25), inhibited: Float32Array.of(1, 0, 0.75, 0) };
  const { element, places, caption } = await show(viewedAs({ look, words: "cat" }));
  const heats = [...element.renderRoot.querySelectorAll("image.heat")];
  const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => Number(heats[1]!.getAttribute(name)));
  expect([x, y, width, height]).toEqual([200, 120, 200, 100]);
  const alphas = TILES.map((view) => {
    const { data } = heatPixels({ view, map: tokenMap(view, 1)! }, look);
    return Array.from({ length: data.length / 4 }, (_, cell) => data[4 * cell + 3]! / 255 / 0.9);
  });
  // Both cells of the first tile are one token; the last cell of the third was dropped.
  for (const [i, expected] of [
    [0, 0],
    [0.5, 1 / 0.9],
    [0.25, 0],
  ].entries())
    for (const [cell, value] of expected.entries()) expect(alphas[i]![cell]).toBeCloseTo(Math.min(value, 1), 2);
  expect(places("inhibited")).toEqual([
    [0, 0, 100, 100],
    [100, 0, 100, 100],
    [300, 120, 100, 80],
  ]);
  expect(places("veil")).toEqual([[0, 0, 400, 200]]);
  expect(caption()).toContain("(2 of 4 tokens)");
});
