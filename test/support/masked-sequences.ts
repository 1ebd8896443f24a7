/** Sequences with images under masks of every kind, for tests of attention inhibition; the last chunk is looked at. */
import type { ImageRuns } from "../../src/model/inhibition/index-tables.ts";
import { causal, pictureRuns, prefixLm, rangesOf, slidingWindow } from "../reference/visible.ts";
import type { Random } from "./random.ts";

export interface MaskedSequence {
  name: string;
  images: readonly ImageRuns[];
  /** Ranges of so many rows, also of rows to come. [rows, 2] */
  mask: (rows: number) => number[];
  /** Rows so far, the chunk included. */
  keys: number;
  /** First row of the chunk. */
  chunkRow: number;
}

/** One image of one run each. */
const image = (row: number, tokens: number): ImageRuns => [{ row, tokens }];

const TWO_IMAGES = [image(3, 9), image(17, 30)];
/** Two pictures, of three and two views with tags between. */
const VIEWS = [
  [
    { row: 2, tokens: 7 },
    { row: 11, tokens: 5 },
    { row: 17, tokens: 9 },
  ],
  [
    { row: 30, tokens: 8 },
    { row: 39, tokens: 4 },
  ],
];

function runsOf(images: readonly ImageRuns[]): [number, number][] {
  return images.flatMap((runs) => runs.map(({ row, tokens }): [number, number] => [row, row + tokens]));
}

const window = (width: number) => (rows: number) => slidingWindow(rows, width);
const prefix = (length: number) => (rows: number) => prefixLm(rows, length);
const pictures = (images: readonly ImageRuns[]) => (rows: number) => pictureRuns(rows, runsOf(images));

/** As Gemma 3's sliding layers: the window cuts the past, image rows see their run to its end. */
function windowAndPictures(width: number, images: readonly ImageRuns[]) {
  return (rows: number): number[] => {
    const ends = pictureRuns(rows, runsOf(images));
    return rangesOf(rows, (t) => [Math.max(0, t + 1 - width), ends[2 * t + 1]!]);
  };
}

/** Ranges whose starts do not ascend: every other row misses the first 12 rows. */
const alternating = (rows: number) => rangesOf(rows, (t) => [t % 2 === 0 ? 0 : Math.min(t, 12), t + 1]);

/** Ranges in no order at all, for `keys` rows; rows to come are causal. */
function anyRanges(random: Random, keys: number): (rows: number) => number[] {
  const ranges = causal(keys + 64);
  for (let t = 0; t < keys; t++) ranges.splice(2 * t, 2, random.integer(0, keys - 1), random.integer(0, keys));
  return (rows) => ranges.slice(0, 2 * rows);
}

export const MASKED_SEQUENCES: readonly MaskedSequence[] = [
  { name: "causal, one token", images: [image(0, 1)], mask: causal, keys: 2, chunkRow: 0 },
  { name: "causal, one image", images: [image(2, 40)], mask: causal, keys: 60, chunkRow: 0 },
  { name: "causal, two images", images: TWO_IMAGES, mask: causal, keys: 70, chunkRow: 0 },
  { name: "causal, a chunk from between the images", images: TWO_IMAGES, mask: causal, keys: 70, chunkRow: 13 },
  { name: "causal, a chunk of text", images: TWO_IMAGES, mask: causal, keys: 90, chunkRow: 50 },
  { name: "causal, a chunk that ends in an image", images: TWO_IMAGES, mask: causal, keys: 40, chunkRow: 4 },
  { name: "a window over parts of an image", images: [image(3, 30)], mask: window(17), keys: 60, chunkRow: 0 },
  { name: "a window that leaves the image", images: [image(0, 9)], mask: window(12), keys: 70, chunkRow: 8 },
  { name: "a window over parts of two images", images: TWO_IMAGES, mask: window(33), keys: 80, chunkRow: 13 },
  { name: "prefix-LM with all images", images: TWO_IMAGES, mask: prefix(52), keys: 60, chunkRow: 0 },
  { name: "prefix-LM that cuts an image", images: TWO_IMAGES, mask: prefix(25), keys: 60, chunkRow: 0 },
  { name: "pictures that see themselves", images: TWO_IMAGES, mask: pictures(TWO_IMAGES), keys: 60, chunkRow: 0 },
  { name: "views with tags between", images: VIEWS, mask: causal, keys: 60, chunkRow: 0 },
  { name: "views under a window", images: VIEWS, mask: windowAndPictures(20, VIEWS), keys: 75, chunkRow: 10 },
  { name: "starts that do not ascend", images: TWO_IMAGES, mask: alternating, keys: 60, chunkRow: 13 },
];

/** Rows with those to come, whose places kernels must leave alone. */
export function rowsOf(sequence: Pick<MaskedSequence, "images" | "keys">): number {
  return wholeRows(sequence) + 5;
}

/** Rows so far, and those that the last image lacks. */
export function wholeRows({ images, keys }: Pick<MaskedSequence, "images" | "keys">): number {
  const { row, tokens } = images.at(-1)!.at(-1)!;
  return Math.max(keys, row + tokens);
}

/** The sequences with a chunk of one row, which sees all images, parts of one, or the last image alone. */
export const ONE_ROW_SEQUENCES: readonly MaskedSequence[] = [
  { name: "causal, the first text row", images: [image(0, 1)], mask: causal, keys: 2, chunkRow: 1 },
  { name: "causal, two images", images: TWO_IMAGES, mask: causal, keys: 60, chunkRow: 59 },
  { name: "a window over parts of an image", images: TWO_IMAGES, mask: window(30), keys: 60, chunkRow: 59 },
  { name: "a window over an image", images: TWO_IMAGES, mask: window(45), keys: 60, chunkRow: 59 },
  { name: "after a prefix", images: TWO_IMAGES, mask: prefix(50), keys: 61, chunkRow: 60 },
  { name: "views under a window", images: VIEWS, mask: windowAndPictures(20, VIEWS), keys: 60, chunkRow: 59 },
];

/** A random one: up to three pictures of up to three views, any of the masks, any chunk in which text sees an image token. */
export function randomMaskedSequence(random: Random): MaskedSequence {
  for (;;) {
    const images: ImageRuns[] = [];
    let row = random.integer(0, 5);
    for (let left = random.integer(1, 3); left > 0; left--) {
      const runs = Array.from({ length: random.integer(1, 3) }, () => {
        const run = { row, tokens: random.integer(1, 30) };
        row += run.tokens + random.integer(0, 4);
        return run;
      });
      images.push(runs);
    }
    const keys = row + random.integer(1, 40);
    const width = random.integer(1, keys);
    const kinds: [string, MaskedSequence["mask"]][] = [
      ["causal", causal],
      [`window of ${width}`, window(width)],
      [`prefix of ${width}`, prefix(width)],
      ["pictures", pictures(images)],
      [`window of ${width} and pictures`, windowAndPictures(width, images)],
      ["any ranges", anyRanges(random, keys)],
    ];
    const [kind, mask] = kinds[random.integer(0, kinds.length - 1)]!;
    const chunkRow = random.integer(0, keys - 1);
    const columns = imageRows(images).flat();
    const visible = mask(keys);
    const sees = (t: number) => columns.some((k) => k >= visible[2 * t]! && k < visible[2 * t + 1]!);
    const chunk = Array.from({ length: keys - chunkRow }, (_, t) => chunkRow + t);
    if (!chunk.some((t) => !columns.includes(t) && sees(t))) continue;
    return { name: `${kind}, images ${JSON.stringify(images)}`, images, mask, keys, chunkRow };
  }
}

/** Rows of each image's tokens, for the references. */
export function imageRows(images: readonly ImageRuns[]): number[][] {
  return images.map((runs) => runs.flatMap(({ row, tokens }) => Array.from({ length: tokens }, (_, i) => row + i)));
}

/** All other rows. */
export function textRowsOf(images: readonly ImageRuns[], rows: number): number[] {
  const columns = new Set(imageRows(images).flat());
  return Array.from({ length: rows }, (_, t) => t).filter((t) => !columns.has(t));
}
