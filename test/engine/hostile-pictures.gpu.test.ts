/**
 * Wrong pictures, alone and in a question: each is refused by a message that says what is wrong with it and leaves the
 * memory as it was; good pictures give what they gave before. Settings for pictures are in hostile-picture-settings.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { ImageInput, Message, ModelFiles } from "../../src/index.ts";
import { Fovea } from "../../src/index.ts";
import { chatFiles } from "../support/chat-files.ts";
import { type CountedDevice, countedDevice, expectRefusal, type Refusal } from "../support/engine.ts";
import { needing, sharedBytes, shippedModelUrl, testShared } from "../support/shared.ts";

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

/** The beginning of a JPEG that a canvas made. */
async function jpegCutTo(bytes: number): Promise<Blob> {
  const canvas = new OffscreenCanvas(200, 150);
  canvas.getContext("2d")!.putImageData(pictureOf(200, 150), 0, 0);
  return (await canvas.convertToBlob({ type: "image/jpeg" })).slice(0, bytes, "image/jpeg");
}

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
    says: /PNG of 64 x 64 pixels, cut short/,
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
    image: () => jpegCutTo(100),
    kind: "bad-image",
    says: /is JPEG, which this browser cannot read, or is damaged/,
  },
  {
    what: "the beginning of a JPEG",
    image: () => jpegCutTo(2000),
    kind: "bad-image",
    says: /JPEG of 200 x 150 pixels, cut short/,
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
  { what: "a script", image: () => "javascript:alert(1)", kind: TypeError, says: /addresses begin with http:/ },
  {
    what: "an address without a file",
    image: () => `${MISSING}?token=secret`,
    kind: "download-failed",
    says: /^http:\/\/pictures\.test\/no-such-cat\.jpg: the server answered HTTP 404; check the address/,
  },
  {
    what: "the address of a text",
    image: () => `${shippedModelUrl()}/README.md`,
    kind: "bad-image",
    says: /README\.md is not a picture/,
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
    says: /^data:image\/png;base64,\.\.\. is PNG, which this browser cannot read, or is damaged \(8 bytes\)/,
  },
];

describe("wrong pictures", () => {
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
    counted.release();
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

  testShared(needing("real/photos", "half a progressive JPEG"), async () => {
    const bytes = await sharedBytes("real/photos/derived/chelsea_progressive.jpg");
    const half = new Blob([bytes.subarray(0, bytes.length >> 1)], { type: "image/jpeg" });
    const says = /is a JPEG of \d+ x \d+ pixels, cut short or damaged/;
    await expectUnchanged(() => fovea.encodeImage(half), "bad-image", says);
    await expectUnchanged(() => ask(half), "bad-image", says);
  });

  test("good pictures give what they gave before", async () => {
    expect(await ask(pictureOf(20, 30))).toBe(goodAnswer);
    expect((await fovea.encodeImage(pictureOf(20, 30))).features.rows).toBe(64);
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
});
