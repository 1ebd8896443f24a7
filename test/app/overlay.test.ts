import { describe, expect, test } from "vitest";
import type { CompressionStage, SeenView } from "../../src/api.ts";
import {
  cellGrid,
  countsText,
  countTokens,
  layersOf,
  stageCount,
  tokenMap,
  viewOnPicture,
} from "../../src/app/logic/overlay.ts";
import { squareAt, squareOnPicture } from "../../src/image/geometry.ts";

/** A view of 2 x 2 patches on a picture of its own size, of which stages made tokens of these cells. */
function seen(stages: number[][][], more: Partial<SeenView> = {}): SeenView {
  const tokens = stages.at(-1)?.filter((list, i) => i > 0 || list.length > 0).length ?? 4;
  return {
    ...{ rows: 2, cols: 2, cell: 1, patch: 10, width: 20, height: 20 },
    toPicture: [1, 0, 0, 1, 0, 0],
    columns: Uint32Array.from({ length: tokens }, (_, i) => i),
    stages: stages.map((lists) => ({ origins: lists.map((list) => Uint32Array.from(list)) }) as CompressionStage),
    ...more,
  };
}

const columns = (count: number) => Uint32Array.from({ length: count }, (_, i) => i);

test("patches are kept, merged or dropped as the stage says", () => {
  const view = seen([[[2], [0, 3]]]);
  expect(stageCount([view])).toBe(1);
  const map = tokenMap(view, 1)!;
  expect([...map.tokenOf]).toEqual([1, -1, 0, 1]);
  const counts = countTokens([map]);
  expect(counts).toEqual({ tokens: 2, kept: 1, merged: 1, mergedCells: 2, dropped: 1 });
  expect(countsText(counts, "patch")).toBe("2 tokens: 1 patch kept, 1 cluster of 2 patches, 1 dropped");
});

test("a class token in front has no cells, and covers none", () => {
  const map = tokenMap(seen([[[], [1], [0, 2, 3]]]), 1)!;
  expect([...map.tokenOf]).toEqual([1, 0, 1, 1]);
  expect(countTokens([map]).tokens).toBe(2);
});

test("stage 0 is the picture as it enters; a view with fewer stages stays at its last", () => {
  const view = seen([[[0, 1, 2, 3]]]);
  expect([...tokenMap(view, 0)!.tokenOf]).toEqual([0, 1, 2, 3]);
  expect([...tokenMap(view, 3)!.tokenOf]).toEqual([0, 0, 0, 0]);
  expect([...tokenMap(seen([]), 3)!.tokenOf]).toEqual([0, 1, 2, 3]);
  expect(stageCount([seen([]), seen([[[0]], [[0]]]), view])).toBe(2);
});

test("numbers that name no cell of the view are left out", () => {
  expect([...tokenMap(seen([[[0, 99]]]), 1)!.tokenOf]).toEqual([0, -1, -1, -1]);
});

describe("cells", () => {
  // 4 x 5 patches in cells of 2 x 2: 2 x 2 cells, and a column of patches that fills none.
  const view = seen([[[0], [3, 1]]], { rows: 4, cols: 5, cell: 2, patch: 7 });

  test("there are as many as the grid has, and tokens cover them", () => {
    expect([...tokenMap(view, 0)!.tokenOf]).toEqual([0, 1, 2, 3]);
    const map = tokenMap(view, 1)!;
    expect([...map.tokenOf]).toEqual([0, 1, -1, 1]);
    expect(map.cellsOf).toEqual([[0], [1, 3]]);
    expect(countsText(countTokens([map]), "cell")).toBe("2 tokens: 1 cell kept, 1 cluster of 2 cells, 1 dropped");
  });

  test("their squares have the side of a cell", () => {
    expect(cellGrid(view)).toEqual({ rows: 2, cols: 2, side: 14, toPicture: [1, 0, 0, 1, 0, 0] });
  });

  test("strips are as wide as their patches", () => {
    const strips = seen([], { rows: 2, cols: 8, cell: 1, strip: 4, patch: 7 });
    const grid = cellGrid(strips);
    expect(grid).toEqual({ rows: 2, cols: 2, side: 7, across: 28, toPicture: [1, 0, 0, 1, 0, 0] });
    const picture = { width: 56, height: 14 };
    expect(squareOnPicture(grid, 3, picture)).toEqual({ x: 28, y: 7, width: 28, height: 7 });
    expect(squareAt(grid, 30, 3)).toBe(1);
    expect([...tokenMap(strips, 0)!.tokenOf]).toEqual([0, 1, 2, 3]);
  });
});

test("cells that were chosen after the connector, though their number would fit a pooling", () => {
  const view = seen([], { rows: 4, cols: 4, columns: columns(4), kept: Uint32Array.of(9, 2, 5, 15) });
  expect(stageCount([view])).toBe(1);
  const map = tokenMap(view, 1)!;
  expect(map.cellsOf).toEqual([[9], [2], [5], [15]]);
  expect(countTokens([map])).toMatchObject({ tokens: 4, kept: 4, dropped: 12 });
});

describe("pooling has no stages: its squares follow from the numbers", () => {
  test.for([
    [3, 3, 4, [0, 0, 1, 0, 0, 1, 2, 2, 3]],
    [2, 5, 2, [0, 0, 0, 1, 1, 0, 0, 0, 1, 1]],
    [4, 2, 2, [0, 0, 0, 0, 1, 1, 1, 1]],
  ] as const)("%i x %i to %i", ([rows, cols, tokens, expected]) => {
    const view = seen([], { rows, cols, columns: columns(tokens) });
    expect(stageCount([view])).toBe(1);
    expect([...tokenMap(view, 1)!.tokenOf]).toEqual(expected);
  });

  test("numbers that fit no pooling are not drawn", () => {
    expect(tokenMap(seen([], { rows: 3, cols: 3, columns: columns(5) }), 1)).toBeUndefined();
  });
});

/** A view of 20 x 20 pixels that covers this rectangle. */
function at(x: number, y: number, width: number, height: number): SeenView {
  return seen([], { toPicture: [width / 20, 0, 0, height / 20, x, y] });
}

describe("several views", () => {
  const third = 100 / 3;

  test("tiles are one layer, the overview another; the finest comes first, wherever it stands", () => {
    const tiles = [at(0, 0, third, 50), at(third, 0, third, 50), at(2 * third, 0, third, 50), at(0, 50, third, 50)];
    const overview = at(0, 0, 100, 100);
    expect(layersOf([...tiles, overview])).toEqual([[0, 1, 2, 3], [4]]);
    expect(layersOf([overview, ...tiles])).toEqual([[1, 2, 3, 4], [0]]);
    expect(layersOf([overview])).toEqual([[0]]);
    expect(layersOf([])).toEqual([]);
  });

  test("views that overlap are not drawn together", () => {
    expect(layersOf([at(0, 0, 60, 50), at(40, 0, 60, 50), at(60, 0, 40, 50)])).toEqual([[0, 2], [1]]);
  });

  test("their counts are added", () => {
    const maps = [tokenMap(seen([[[2], [0, 3]]]), 1)!, tokenMap(seen([]), 1)!];
    expect(countTokens(maps)).toEqual({ tokens: 6, kept: 5, merged: 1, mergedCells: 2, dropped: 1 });
  });

  test("a view is cut where it is larger than the picture", () => {
    expect(viewOnPicture(at(-10, 50, 60, 100), { width: 100, height: 100 })).toEqual({
      ...{ x: 0, y: 50 },
      ...{ width: 50, height: 50 },
    });
  });
});
