/** Pictures of every kind on their way to a worker: the same numbers as in the page, and all of it stays the caller's. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ImageInput } from "../../src/api.ts";
import { Fovea } from "../../src/engine/fovea.ts";
import { createFovea, type RemoteFovea } from "../../src/worker/client.ts";
import { expectRefusal } from "../support/engine.ts";
import { classifierFiles } from "../support/random-models.ts";
import { sharedDevice } from "../support/shared-devices.ts";

const SIDE = 48;

/** A picture with all degrees of transparency. */
function pixels(): ImageData {
  const image = new ImageData(SIDE, SIDE);
  for (const i of image.data.keys()) image.data[i] = (i * 7) % 253;
  return image;
}

function draw<T extends HTMLCanvasElement | OffscreenCanvas>(canvas: T): T {
  Object.assign(canvas, { width: SIDE, height: SIDE });
  (canvas.getContext("2d") as CanvasRenderingContext2D).putImageData(pixels(), 0, 0);
  return canvas;
}

const offscreen = () => draw(new OffscreenCanvas(SIDE, SIDE));
const objectUrl = async () => URL.createObjectURL(await offscreen().convertToBlob());

const KINDS: Record<string, () => Promise<ImageInput> | ImageInput> = {
  Blob: () => offscreen().convertToBlob(),
  ImageData: pixels,
  ImageBitmap: () => createImageBitmap(pixels()),
  OffscreenCanvas: offscreen,
  "<canvas>": () => draw(document.createElement("canvas")),
  "<img>": async () => {
    const image = document.createElement("img");
    image.src = await objectUrl();
    await image.decode();
    return image;
  },
  "an address": objectUrl,
};

describe("pictures for a worker", () => {
  let remote: RemoteFovea;
  let here: Fovea;
  beforeAll(async () => {
    remote = await createFovea(classifierFiles());
    here = await Fovea.load(classifierFiles(), { device: await sharedDevice("raised") });
  }, 600_000);
  afterAll(() => {
    remote.dispose();
    here.dispose();
  });

  test.for(Object.keys(KINDS))("%s", async (kind) => {
    const image = await KINDS[kind]!();
    const sent = await remote.encodeImage(image);
    // Handed over a second time, here: it was not given away.
    const { features, classes } = await here.encodeImage(image);
    expect(sent.features).toEqual(features);
    expect(sent.classes).toEqual(classes);
  });

  test("a canvas is as it was when it was handed over", async () => {
    const canvas = offscreen();
    const before = (await here.encodeImage(canvas)).features;
    const sent = remote.encodeImage(canvas);
    canvas.getContext("2d")!.fillRect(0, 0, SIDE, SIDE);
    expect((await sent).features).toEqual(before);
  });

  test("those without pixels are refused, and the next is served", async () => {
    const closed = await createImageBitmap(pixels());
    closed.close();
    await expectRefusal(() => remote.encodeImage(closed), "bad-image", /closed or was transferred;/);
    await expectRefusal(() => remote.encodeImage(document.createElement("img")), "bad-image", /has no picture/);
    await expectRefusal(() => remote.encodeImage(new Blob(["text"])), "bad-image", /is not a picture/);
    await expectRefusal(() => remote.encodeImage(3 as never), TypeError, /image must be/);
    expect((await remote.encodeImage(pixels())).features.rows).toBeGreaterThan(1);
  });
});
