/** Writes the prompt's text for a picture that is cut into tiles: each view is between tags that name its place. */
import type { PictureRun } from "../../spec/picture-spec.ts";

export interface TileTags {
  /** Written before each view, and after the last. */
  fakeToken: string;
  /** Names the overview, or the only view. */
  globalTag: string;
  /** Names a tile; row and column count from 1. */
  tileTag(row: number, col: number): string;
}

/**
 * Returns text and rows in turn. Each row of tiles ends with a newline, and an empty line precedes the overview.
 *
 * @param rows rows of tiles; 0 for a picture of one view
 * @param cols columns of tiles; 0 for a picture of one view
 * @param rowsOfView [rows * cols + 1], prompt rows of each tile in raster order, then of the overview
 */
export function tileRuns(rows: number, cols: number, rowsOfView: readonly number[], tags: TileTags): PictureRun[] {
  const { fakeToken, globalTag, tileTag } = tags;
  if (rowsOfView.length !== rows * cols + 1)
    throw new RangeError(`${rowsOfView.length} views for ${rows} x ${cols} tiles and an overview`);
  const runs: PictureRun[] = [];
  let newline = "";
  for (let view = 0; view < rows * cols; view++) {
    const tag = tileTag(Math.floor(view / cols) + 1, (view % cols) + 1);
    runs.push({ text: `${newline}${fakeToken}${tag}` }, { view, rows: rowsOfView[view]! });
    newline = (view + 1) % cols === 0 ? "\n" : "";
  }
  if (rows * cols > 0) newline += "\n";
  const view = rows * cols;
  runs.push({ text: `${newline}${fakeToken}${globalTag}` }, { view, rows: rowsOfView[view]! }, { text: fakeToken });
  return runs;
}
