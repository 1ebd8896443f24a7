/**
 * Wrong pictures, and wrong settings for pictures, through every door that takes them. Each is refused by a message that
 * says what is wrong with it and leaves the memory as it was; good pictures give what they gave before.
 */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Compression, ImageInput, Inhibition, InspectRequest, Message, ModelFiles } from "../../src/index.ts";
import { Fovea } from "../../src/index.ts";
import { chatFiles } from "../support/chat-files.ts";
import {
  type CountedDevice,
  changed,
  countedDevice,
  expectRefusal,
  type Files,
  json,
  type Refusal,
  sharedFiles,
} from "../support/engine.ts";
import { describeShared, sharedBytes, sharedUrl } from "../support/shared.ts";

/** Of golden/clip-llama-f32. */
const IMAGE_ID = 319;
const SIDE = 112;

/** An address that `beforeAll` lets answer 404; the test server has a page for every address. */
const MISSING = "http://pictures.test/no-such-cat.jpg";

function pictureOf(width: number, height: number): ImageData {
  const image = new ImageData(width, height);
  for (let i = 0; i < image.data.length; i++) image.data[i] = (i * 7) % 251;
  return image;
}

async function encoded(width: number, height: number): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d")!.fillRect(0, 0, width, height);
  return canvas.convertToBlob({ type: "image/png" });
}

async function closedBitmap(): Promise<ImageBitmap> {
  const bitmap = await createImageBitmap(pictureOf(8, 8));
  bitmap.close();
  return bitmap;
}

/** A PNG that claims a size which it does not have. */
async function claims(width: number, height: number): Promise<Blob> {
  const bytes = new Uint8Array(await (await encoded(4, 4)).arrayBuffer());
  const view = new DataView(bytes.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  return new Blob([bytes], { type: "image/png" });
}

function revokedUrl(): string {
  const url = URL.createObjectURL(new Blob(["x"]));
  URL.revokeObjectURL(url);
  return url;
}

function transferred(): ImageData {
  const image = pictureOf(4, 4);
  structuredClone(image.data.buffer, { transfer: [image.data.buffer] });
  return image;
}

/** A file that was taken away after it was picked. */
class GoneFile extends Blob {
  override slice(): Blob {
    return this;
  }
  override arrayBuffer(): Promise<ArrayBuffer> {
    return Promise.reject(new DOMException("it is gone", "NotReadableError"));
  }
}

const half = async (path: string) => {
  const bytes = await sharedBytes(path);
  return new Blob([bytes.slice(0, bytes.length >> 1)], { type: "image/jpeg" });
};

const PICTURES: { what: string; image: () => unknown; kind: Refusal; says: RegExp }[] = [
  { what: "0 bytes", image: () => new Blob([]), kind: "bad-image", says: /the picture is empty \(0 bytes\)/ },
  { what: "1 x 1", image: () => encoded(1, 1), kind: "bad-image", says: /is 1 x 1 pixels; both sides need at least 2/ },
  { what: "30000 x 1", image: () => encoded(30000, 1), kind: "bad-image", says: /is 30000 x 1 pixels/ },
  {
    what: "30000 x 2",
    image: () => pictureOf(30000, 2),
    kind: "bad-image",
    says: /30000 x 2 pixels, thinner than 200:1/,
  },
  {
    what: "a lie about its size",
    image: () => claims(50000, 50000),
    kind: "bad-image",
    says: /is 50000 x 50000 pixels/,
  },
  {
    what: "a damaged PNG",
    image: () => claims(64, 64),
    kind: "bad-image",
    says: /PNG of 64 x 64 pixels that is cut short/,
  },
  {
    what: "a text file",
    image: () => new File(["Dear diary"], "diary.txt", { type: "text/plain" }),
    kind: "bad-image",
    says: /diary\.txt is not a picture \(10 bytes, said to be text\/plain\)/,
  },
  {
    what: "a web page",
    image: () => new Blob(["<!doctype html>"]),
    kind: "bad-image",
    says: /is not a picture .*HTML/,
  },
  { what: "a PDF", image: () => new Blob(["%PDF-1.7 ..."]), kind: "bad-image", says: /is not a picture .*PDF/ },
  {
    what: "a drawing",
    image: () => new Blob(['<svg xmlns="http://www.w3.org/2000/svg"/>'], { type: "image/svg+xml" }),
    kind: "bad-image",
    says: /is SVG, a drawing without pixels/,
  },
  {
    what: "a JPEG cut in its header",
    image: async () => new Blob([(await sharedBytes("real/photos/chelsea.jpg")).slice(0, 100)]),
    kind: "bad-image",
    says: /is JPEG, cut short, damaged/,
  },
  {
    what: "half a progressive JPEG",
    image: () => half("real/photos/derived/chelsea_progressive.jpg"),
    kind: "bad-image",
    says: /is a JPEG of \d+ x \d+ pixels that is cut short or damaged/,
  },
  {
    what: "half a JPEG",
    image: () => half("real/photos/chelsea.jpg"),
    kind: "bad-image",
    says: /JPEG of .* is cut short/,
  },
  {
    what: "a closed bitmap",
    image: closedBitmap,
    kind: "bad-image",
    says: /the ImageBitmap is closed or was transferred/,
  },
  { what: "transferred pixels", image: transferred, kind: "bad-image", says: /must have 64 bytes of RGBA, but has 0/ },
  { what: "a file that is gone", image: () => new GoneFile(["x"]), kind: "bad-image", says: /can no longer be read/ },
  {
    what: "an <img> without a picture",
    image: () => new Image(),
    kind: "bad-image",
    says: /<img> element has no picture/,
  },
  { what: "a canvas of no size", image: () => new OffscreenCanvas(0, 0), kind: "bad-image", says: /is 0 x 0 pixels/ },
  {
    what: "an object",
    image: () => ({ picture: "of a cat" }),
    kind: TypeError,
    says: /image must be a Blob.*got Object/,
  },
  { what: "nothing", image: () => undefined, kind: TypeError, says: /image must be a Blob.*got Undefined/ },
  { what: "null", image: () => null, kind: TypeError, says: /image must be a Blob.*got Null/ },
  { what: "a number", image: () => 7, kind: TypeError, says: /image must be a Blob.*got Number/ },
  {
    what: "plain bytes",
    image: () => new Uint8Array(8),
    kind: TypeError,
    says: /image must be a Blob.*got Uint8Array/,
  },
  { what: "no address", image: () => "", kind: TypeError, says: /image "" is not the address of a picture/ },
  { what: "a script", image: () => "javascript:alert(1)", kind: TypeError, says: /addresses may begin with http:/ },
  {
    what: "an address without a file",
    image: () => `${MISSING}?token=secret`,
    kind: "download-failed",
    says: /^http:\/\/pictures\.test\/no-such-cat\.jpg: the server answered HTTP 404; check the address/,
  },
  {
    what: "the address of a text",
    image: () => sharedUrl("real/photos/NOTE.txt"),
    kind: "bad-image",
    says: /NOTE\.txt is not a picture/,
  },
  {
    what: "a server that is not there",
    image: () => "http://127.0.0.1:9/cat.jpg?token=secret",
    kind: "download-failed",
    says: /^http:\/\/127\.0\.0\.1:9\/cat\.jpg could not be fetched/,
  },
  { what: "a revoked address", image: revokedUrl, kind: "download-failed", says: /^blob:.* could not be fetched/ },
  {
    what: "a data address that was cut",
    image: () => "data:image/png;base64,iVBORw0KGgo",
    kind: "bad-image",
    says: /data:image\/png;base64,\.\.\. .*valid base64|cut short/,
  },
];

const COMPRESSIONS: { compression: unknown; kind: Refusal; says: RegExp }[] = [
  { compression: null, kind: TypeError, says: /compression must be an object with a method, got null/ },
  { compression: "vmtc", kind: TypeError, says: /compression must be an object with a method, got vmtc/ },
  { compression: {}, kind: TypeError, says: /compression\.method must be .*, got undefined/ },
  { compression: { method: "zip" }, kind: TypeError, says: /compression\.method must be "none", .*, got "zip"/ },
  { compression: { method: "vmtc", tokens: 0 }, kind: RangeError, says: /compression\.tokens .* from 1 .* got 0/ },
  { compression: { method: "vmtc", tokens: "32" }, kind: RangeError, says: /compression\.tokens .* got 32/ },
  { compression: { method: "vmtc", ratio: 0 }, kind: RangeError, says: /compression\.ratio .* got 0/ },
  { compression: { method: "vmtc", ratio: Number.NaN }, kind: RangeError, says: /compression\.ratio .* got NaN/ },
  { compression: { method: "vmtc", stages: 8 }, kind: RangeError, says: /compression\.stages .* from 1 to 7, got 8/ },
  { compression: { method: "vmtc", blocks: [] }, kind: RangeError, says: /compression\.blocks is empty/ },
  { compression: { method: "vmtc", blocks: 3 }, kind: TypeError, says: /compression\.blocks must be a list/ },
  {
    compression: { method: "vmtc", blocks: [6] },
    kind: RangeError,
    says: /a stage in block 6, but only blocks 0 to 5/,
  },
  { compression: { method: "vmtc", blocks: [3, 1] }, kind: RangeError, says: /ascending and distinct, got \[3,1\]/ },
  { compression: { method: "vmtc", clusters: -1 }, kind: RangeError, says: /compression\.clusters .* got -1/ },
  { compression: { method: "vmtc", merge: "sum" }, kind: TypeError, says: /compression\.merge must be/ },
  { compression: { method: "vmtc", iterations: 0 }, kind: RangeError, says: /compression\.iterations .* got 0/ },
  { compression: { method: "vmtc", positions: "new" }, kind: TypeError, says: /compression\.positions must be/ },
  { compression: { method: "prune-last" }, kind: RangeError, says: /compression\.tokens .* got undefined/ },
  { compression: { method: "pool", factor: 0 }, kind: RangeError, says: /compression\.factor .* got 0/ },
  { compression: { method: "prumerge", tokens: 1 }, kind: RangeError, says: /compression\.tokens .* from 2 .* got 1/ },
];

const INHIBITIONS: { inhibition: unknown; kind: Refusal; says: RegExp }[] = [
  { inhibition: null, kind: TypeError, says: /inhibition must be an object .*, got null/ },
  { inhibition: { maxRatio: 1.1 }, kind: RangeError, says: /inhibition\.maxRatio .* from 0 to 1, got 1\.1/ },
  { inhibition: { maxRatio: 0.5, score: "love" }, kind: TypeError, says: /inhibition\.score must be .*, got "love"/ },
  { inhibition: { maxRatio: 0.5, discount: 2 }, kind: RangeError, says: /inhibition\.discount .* got 2/ },
  { inhibition: { maxRatio: 0.5, scores: "raw" }, kind: TypeError, says: /inhibition\.scores must be .*, got "raw"/ },
  { inhibition: { maxRatio: 0.5, schedule: "now" }, kind: TypeError, says: /inhibition\.schedule must be/ },
  { inhibition: { maxRatio: 0.5, scope: "all" }, kind: TypeError, says: /inhibition\.scope must be/ },
];

const pixels = (length = 3 * SIDE * SIDE, shape = [3, SIDE, SIDE]) => ({ data: new Float32Array(length), shape });
const withNaN = () => {
  const values = pixels();
  values.data[7] = Number.NaN;
  return values;
};

const INSPECT: { what: string; request: () => object; kind: Refusal; says: RegExp }[] = [
  {
    what: "an image id too few",
    request: () => ({ inputIds: [1, 5], pixelValues: [pixels()] }),
    kind: TypeError,
    says: /the prompt has 0 image placeholders \(id 319\) for 1 images/,
  },
  {
    what: "an image id too many",
    request: () => ({ inputIds: [1, IMAGE_ID, IMAGE_ID], pixelValues: [pixels()] }),
    kind: TypeError,
    says: /the prompt has 2 image placeholders \(id 319\) for 1 images/,
  },
  {
    what: "an image id without a picture",
    request: () => ({ inputIds: [1, IMAGE_ID] }),
    kind: TypeError,
    says: /the prompt has 1 image placeholders \(id 319\) for 0 images/,
  },
  {
    what: "pixels of another size",
    request: () => ({ inputIds: [IMAGE_ID], pixelValues: [pixels(3 * 56 * 56, [3, 56, 56])] }),
    kind: TypeError,
    says: /pixelValues must be a Float32Array of shape \[3,112,112\], got shape \[3,56,56\]/,
  },
  {
    what: "too few pixels",
    request: () => ({ inputIds: [IMAGE_ID], pixelValues: [pixels(100)] }),
    kind: TypeError,
    says: /pixelValues of shape \[3,112,112\] has 100 values, not 37632/,
  },
  {
    what: "pixels of another type",
    request: () => ({ inputIds: [IMAGE_ID], pixelValues: [{ data: new Float64Array(9), shape: [3, SIDE, SIDE] }] }),
    kind: TypeError,
    says: /pixelValues must be a Float32Array/,
  },
  {
    what: "a picture in place of pixels",
    request: () => ({ inputIds: [IMAGE_ID], pixelValues: [pictureOf(SIDE, SIDE)] }),
    kind: TypeError,
    says: /pixelValues must be a Float32Array of shape \[3,112,112\], got shape \[undefined\]/,
  },
  {
    what: "null for pixels",
    request: () => ({ inputIds: [IMAGE_ID], pixelValues: [null] }),
    kind: TypeError,
    says: /each of pixelValues must be an object with fields, got Null/,
  },
  {
    what: "pixels that are NaN",
    request: () => ({ inputIds: [IMAGE_ID], pixelValues: [withNaN()] }),
    kind: RangeError,
    says: /pixelValues must be finite numbers, got NaN at 7/,
  },
  {
    what: "pictures that fill the context",
    request: () => ({
      inputIds: [1, IMAGE_ID, IMAGE_ID, IMAGE_ID, IMAGE_ID],
      pixelValues: [pixels(), pixels(), pixels(), pixels()],
    }),
    kind: "context-full",
    says: /the prompt has 257 tokens, the context holds 240/,
  },
];

describeShared("wrong pictures", () => {
  let counted: CountedDevice;
  let files: ModelFiles;
  let fovea: Fovea;
  let goodAnswer: string;

  const messages = (image: unknown): Message[] => [
    {
      role: "user",
      content: [
        { type: "image", image: image as ImageInput },
        { type: "text", text: "What?" },
      ],
    },
  ];
  const ask = (image: unknown, settings: object = {}) =>
    fovea.generate({ messages: messages(image), maxTokens: 3, ...settings }).text();

  beforeAll(async () => {
    const { fetch } = globalThis;
    vi.stubGlobal("fetch", async (input: RequestInfo | URL, init?: RequestInit) =>
      String(input).startsWith(MISSING) ? new Response("none", { status: 404 }) : fetch(input, init),
    );
    counted = await countedDevice();
    files = await chatFiles();
    fovea = await Fovea.load(files, { device: counted.device, maxContext: 240 });
    goodAnswer = await ask(pictureOf(20, 30));
  }, 180_000);
  afterAll(() => {
    vi.unstubAllGlobals();
    fovea.dispose();
    expect(fovea.memory.gpuBytes).toBe(0);
    expect(counted.live()).toEqual([]);
    counted.device.destroy();
  });

  async function expectUnchanged(run: () => unknown, kind: Refusal, says: RegExp): Promise<void> {
    const { gpuBytes } = fovea.memory;
    const live = counted.live().length;
    await expectRefusal(run, kind, says);
    expect(fovea.memory.gpuBytes).toBe(gpuBytes);
    expect(counted.live().length).toBe(live);
  }

  test.for(PICTURES)("$what", async ({ image, kind, says }) => {
    const input = await image();
    await expectUnchanged(() => fovea.encodeImage(input as ImageInput), kind, says);
    await expectUnchanged(() => ask(input), kind, says);
  });

  test("good pictures give what they gave before", async () => {
    expect(await ask(pictureOf(20, 30))).toBe(goodAnswer);
    expect((await fovea.encodeImage(pictureOf(20, 30))).features.rows).toBe(64);
  });

  test.for(COMPRESSIONS)("compression $compression", async ({ compression, kind, says }) => {
    const wrong = compression as Compression;
    await expectUnchanged(() => fovea.encodeImage(pictureOf(9, 9), { compression: wrong }), kind, says);
    await expectUnchanged(() => ask(pictureOf(9, 9), { compression }), kind, says);
    await expectUnchanged(
      () => fovea.generate({ messages: [{ role: "user", content: "Hi" }], compression: wrong }).text(),
      kind,
      says,
    );
    await expectUnchanged(() => fovea.inspect({ inputIds: [1], compression: wrong }), kind, says);
  });

  test.for(INHIBITIONS)("inhibition $inhibition", async ({ inhibition, kind, says }) => {
    await expectUnchanged(() => ask(pictureOf(9, 9), { inhibition }), kind, says);
    await expectUnchanged(() => fovea.inspect({ inputIds: [1], inhibition: inhibition as Inhibition }), kind, says);
  });

  test.for(INSPECT)("inspect with $what", async ({ request, kind, says }) => {
    const inspect = () => fovea.inspect(request() as InspectRequest);
    // The first time frees what a conversation had kept, since the sequence becomes another's.
    await expectRefusal(inspect, kind, says);
    await expectUnchanged(inspect, kind, says);
  });

  test("failures do not add up", async () => {
    const bad = new Blob(["no picture"]);
    const mixed: Message[] = [...messages(pictureOf(21, 31)), ...messages(bad)];
    const fail = () =>
      expectRefusal(() => fovea.generate({ messages: mixed, maxTokens: 2 }).text(), "bad-image", /not a picture/);
    await fail();
    // The good picture was encoded and is kept for the next question; nothing else may be.
    const { gpuBytes } = fovea.memory;
    for (let round = 0; round < 5; round++) await fail();
    expect(fovea.memory.gpuBytes).toBe(gpuBytes);
    expect(await ask(pictureOf(20, 30))).toBe(goodAnswer);
  });

  test("features taken so early that the usual stages do not run", async () => {
    const config = { ...json(files as Files, "config.json"), vision_feature_layer: 2 };
    using early = await Fovea.load(changed(files, { "config.json": config }), {
      device: counted.device,
      maxContext: 240,
    });
    // One of three stages is left, in block 1; it still halves the tokens.
    const generation = early.generate({ messages: messages(pictureOf(20, 30)), maxTokens: 2 });
    await generation.text();
    expect(generation.stats).toMatchObject({ imageTokensBefore: 64, imageTokensAfter: 32 });
    await expectRefusal(
      () => early.encodeImage(pictureOf(9, 9), { compression: { method: "vmtc" } }),
      RangeError,
      /a stage in block 3, but only blocks 0 to 1 of this encoder run/,
    );
  });

  test("a classifier", async () => {
    const names = ["config.json", "model.safetensors", "preprocessor_config.json"];
    using vit = await Fovea.load(await sharedFiles("real/vit-tiny", names), { device: counted.device });
    const unsupported = "unsupported-model";
    const says = /has no decoder; for a classifier there is encodeImage|needs a decoder; for a classifier/;
    await expectRefusal(() => vit.inspect({ inputIds: [1] }), unsupported, says);
    await expectRefusal(() => vit.generate({ messages: messages(pictureOf(9, 9)) }).text(), unsupported, says);
    const compression: Compression = { method: "vmtc", blocks: [12] };
    const inBlock12 = () => vit.encodeImage(pictureOf(9, 9), { compression });
    await expectRefusal(inBlock12, RangeError, /a stage in block 12, but only blocks 0 to 11/);
    const photo = new Blob([await sharedBytes("real/photos/chelsea.jpg")]);
    expect((await vit.encodeImage(photo)).classes![0]!.label).toMatch(/cat/);
  });
});
