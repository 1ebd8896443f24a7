/** `decodeImage` in a browser: real files of every kind, every kind of input, and what the browser cannot decode. */
import { describe, expect, onTestFinished, test } from "vitest";
import { decodeImage } from "../../src/image/decode.ts";
import type { ImageInput } from "../../src/shared/picture.ts";
import { type RgbImage, squashToSquare } from "../reference/resize.ts";
import { DEVICE } from "../support/device.ts";
import { withOrientation } from "../support/exif.ts";
import { useGpu } from "../support/gpu.ts";
import { expectSameBytes, randomPixels, refusal, toRgb } from "../support/pictures.ts";
import { Random } from "../support/random.ts";
import { readPicture } from "../support/read-picture.ts";
import { describeShared, needing, sharedBytes, sharedUrl } from "../support/shared.ts";

const [WIDTH, HEIGHT] = [300, 200];
const PICTURE = "golden/families/pictures/wide_231x43.png";
const photoBytes = (file: string) => sharedBytes(`real/photos/${file}`);
const photo = async (file: string) => new Blob([await photoBytes(file)]);

async function loadedImage(address: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

function objectUrl(blob: Blob): string {
  const url = URL.createObjectURL(blob);
  onTestFinished(() => URL.revokeObjectURL(url));
  return url;
}

/** A file of noise with every degree of transparency, where the format has it. */
async function encoded(type: string): Promise<Blob> {
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  const { data } = randomPixels(new Random(5), WIDTH, HEIGHT);
  canvas.getContext("2d")!.putImageData(new ImageData(new Uint8ClampedArray(data), WIDTH, HEIGHT), 0, 0);
  const file = await canvas.convertToBlob({ type });
  expect(file.type).toBe(type);
  return file;
}

const jpeg = async () => new Uint8Array(await (await encoded("image/jpeg")).arrayBuffer());

/** A JPEG without its colour profile (APP2). */
function withoutProfile(jpeg: Uint8Array): Uint8Array<ArrayBuffer> {
  const kept = [jpeg.subarray(0, 2)];
  let at = 2;
  while (jpeg[at + 1] !== 0xda) {
    const end = at + 2 + jpeg[at + 2]! * 256 + jpeg[at + 3]!;
    if (jpeg[at + 1] !== 0xe2) kept.push(jpeg.subarray(at, end));
    at = end;
  }
  return Uint8Array.from([...kept, jpeg.subarray(at)].flatMap((part) => [...part]));
}

/** Mean difference of a byte between two pictures, both squashed to 16 x 16. */
function difference(a: RgbImage, b: RgbImage): number {
  const [first, second] = [a, b].map((image) => squashToSquare(image, 16, "bilinear").data) as [Uint8Array, Uint8Array];
  return first.reduce((sum, byte, i) => sum + Math.abs(byte - second[i]!), 0) / first.length;
}

function mirrored({ width, height, data }: RgbImage): RgbImage {
  return {
    width,
    height,
    data: data.map((_, i) => {
      const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
      return data[(y * width + (width - 1 - x)) * 3 + (i % 3)]!;
    }),
  };
}

describeShared(needing("real/photos", "real files"), () => {
  const { gpu } = useGpu();
  const read = async (input: ImageInput) => readPicture(gpu(), await decodeImage(input));

  test.for([
    ["chelsea.jpg", 451, 300],
    ["concert_gray.jpg", 400, 267],
    ["yokohama_posz_progressive.jpg", 256, 256],
    ["derived/chelsea_progressive.jpg", 451, 300],
    ["blackbug_alpha.png", 2048, 1536],
    ["coins_gray.png", 384, 303],
    ["derived/chelsea.webp", 451, 300],
    ["derived/coffee_alpha.webp", 600, 400],
    ["Landscape_1.jpg", 600, 450],
    ["Landscape_5_noicc.jpg", 600, 450],
    ["Landscape_6_noicc.jpg", 600, 450],
    ["Portrait_8_noicc.jpg", 450, 600],
  ] as const)("%s is %i x %i", async ([file, width, height]) => {
    const picture = await decodeImage(await photo(file));
    expect([picture.width, picture.height]).toEqual([width, height]);
    picture.close();
    expect((picture.pixels as ImageBitmap).width).toBe(0);
  });

  test("EXIF 5 (mirrored) and 6 stand upright, as the picture with EXIF 1", async () => {
    const upright = await read(await photo("Landscape_1.jpg"));
    for (const file of ["Landscape_5_noicc.jpg", "Landscape_6_noicc.jpg"]) {
      const picture = await read(await photo(file));
      // Their colours differ too: a profile was cut out of them. Seen: 12.8, mirrored 34.7.
      expect(difference(picture, upright), file).toBeLessThan(17);
      expect(difference(mirrored(picture), upright), `${file} mirrored`).toBeGreaterThan(25);
    }
  });

  test("EXIF 8 stands upright, as the picture without", async () => {
    const [turned, upright] = [await photo("derived/coffee_exif8.jpg"), await photo("derived/coffee.jpg")];
    expect(difference(await read(turned), await read(upright))).toBeLessThan(3);
  });

  test("a colour profile changes nothing: the stored numbers are read", async () => {
    const bytes = await photoBytes("rocket.jpg");
    const plain = withoutProfile(bytes);
    expect(plain.length).toBeLessThan(bytes.length);
    const expected = await read(new Blob([plain]));
    expectSameBytes("rocket.jpg", (await read(new Blob([bytes]))).data, expected.data);
    const image = await loadedImage(sharedUrl("real/photos/rocket.jpg"));
    expectSameBytes("<img>", (await read(image)).data, expected.data);
  });

  test("grey is three equal channels", async () => {
    const { data } = await read(await photo("camera_gray.png"));
    expect(data.every((byte, i) => byte === data[i - (i % 3)])).toBe(true);
  });
});

describe("files that a canvas made", () => {
  const { gpu } = useGpu();
  const read = async (input: ImageInput) => readPicture(gpu(), await decodeImage(input));

  test("alpha changes nothing: an <img> gives the very bytes of its file", async () => {
    for (const type of ["image/png", "image/webp"]) {
      const file = await encoded(type);
      const image = await loadedImage(objectUrl(file));
      expectSameBytes(type, (await read(image)).data, (await read(file)).data);
    }
  });

  test("one file by every way in", async () => {
    const blob = new Blob([await sharedBytes(PICTURE)]);
    const expected = await read(blob);
    const dataUrl = await new Promise<string>((resolve) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result as string);
      reader.readAsDataURL(blob);
    });
    const address = sharedUrl(PICTURE);
    for (const [what, input] of Object.entries<ImageInput>({
      File: new File([blob], "cat.jpg"),
      address,
      "relative address": new URL(address).pathname,
      "data:": dataUrl,
      "blob:": objectUrl(blob),
      "<img>": await loadedImage(address),
      ImageBitmap: await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" }),
    }))
      expectSameBytes(what, (await read(input)).data, expected.data);
    expect((await decodeImage(new File([blob], "cat.jpg"))).name).toBe("cat.jpg");
  });

  test.for([0.001, 0.02, 0.5, 0.99])("cut to %d of its bytes", async (part) => {
    for (const type of ["image/jpeg", "image/png", "image/webp"]) {
      const file = await encoded(type);
      const cut = new File([file.slice(0, Math.ceil(file.size * part))], "photo");
      expect(await refusal(decodeImage(cut), "bad-image"), type).toMatch(/^"photo" is .*(cut short|damaged)/);
    }
  });

  test("an end is an end, whatever follows it; a thumbnail's is not", async () => {
    const whole = await jpeg();
    const film = new Uint8Array(5000).fill(7);
    for (const file of [new Blob([whole, film]), new Blob([await encoded("image/png"), film])])
      expect((await decodeImage(file)).width).toBe(WIDTH);
    const thumbnail = Uint8Array.from([0xff, 0xe1, 0, 8, 1, 2, 3, 4, 0xff, 0xd9]);
    const cut = new Blob([whole.subarray(0, 2), thumbnail, whole.subarray(2, -2), film]);
    expect(await refusal(decodeImage(cut), "bad-image")).toContain("cut short or damaged");
  });

  test("HTTP 404", async () => {
    expect(await refusal(decodeImage(sharedUrl("golden/families/pictures/nothing.png")), "download-failed")).toContain(
      "HTTP 404",
    );
  });

  test("abort of a download", async () => {
    const controller = new AbortController();
    const decoding = decodeImage(sharedUrl(PICTURE), { signal: controller.signal });
    controller.abort();
    await refusal(decoding, "aborted");
  });

  test("in a worker, where there are no elements", async () => {
    const worker = new Worker(new URL("./decode-worker.ts", import.meta.url), { type: "module" });
    onTestFinished(() => worker.terminate());
    const ask = (input: ImageInput, transfer: Transferable[] = []) =>
      new Promise((resolve) => {
        worker.addEventListener("message", ({ data }) => resolve(data), { once: true });
        worker.postMessage(input, transfer);
      });
    const blob = new Blob([withOrientation(await jpeg(), 6)]);
    expect(await ask(blob)).toEqual([HEIGHT, WIDTH]);
    expect(await ask(sharedUrl(PICTURE))).toEqual([231, 43]);
    const bitmap = await createImageBitmap(blob);
    expect(await ask(bitmap, [bitmap])).toEqual([HEIGHT, WIDTH]);
    expect(await ask(new ImageData(3, 4))).toEqual([3, 4]);
    expect(await ask(new Blob(["no picture"]))).toMatch(/^FoveaError: .*is not a picture/);
    expect(await ask(3 as never)).toMatch(/^TypeError: .*got Number/);
    // Transferred away.
    expect(await refusal(decodeImage(bitmap), "bad-image")).toContain("is closed or was transferred;");
  });
});

describe("objects of the page", () => {
  const { gpu } = useGpu();
  const read = async (input: ImageInput) => readPicture(gpu(), await decodeImage(input));
  const pixels = randomPixels(new Random(7), 20, 10);
  const opaque = { ...pixels, data: pixels.data.map((byte, i) => (i % 4 === 3 ? 255 : byte)) };
  const imageData = () => new ImageData(new Uint8ClampedArray(opaque.data), 20, 10);

  test("ImageData", async () => expectSameBytes("pixels", (await read(imageData())).data, toRgb(opaque).data));

  test("canvases are copied: drawing on them later changes nothing", async () => {
    const element = document.createElement("canvas");
    element.width = 20;
    element.height = 10;
    for (const canvas of [element, new OffscreenCanvas(20, 10)]) {
      const context = canvas.getContext("2d") as CanvasRenderingContext2D;
      context.putImageData(imageData(), 0, 0);
      const decoding = decodeImage(canvas);
      context.clearRect(0, 0, 20, 10);
      expectSameBytes(canvas.constructor.name, (await readPicture(gpu(), await decoding)).data, toRgb(opaque).data);
    }
  });

  test("the caller's ImageBitmap stays open", async () => {
    const bitmap = await createImageBitmap(imageData());
    await read(bitmap);
    expect(bitmap.width).toBe(20);
    bitmap.close();
    expect(await refusal(decodeImage(bitmap), "bad-image")).toContain("the ImageBitmap is closed");
  });

  test("objects of another frame", async () => {
    const frame = document.createElement("iframe");
    document.body.append(frame);
    onTestFinished(() => frame.remove());
    const there = frame.contentWindow as unknown as typeof globalThis;
    const canvas = new there.OffscreenCanvas(20, 10);
    canvas.getContext("2d")!.fillRect(0, 0, 20, 10);
    expect((await decodeImage(canvas)).width).toBe(20);
    expect((await decodeImage(new there.ImageData(20, 10))).width).toBe(20);
    const gif = "R0lGODlhAgACAIAAAP8AAAAAACH5BAAAAAAALAAAAAACAAIAAAIChFEAOw==";
    const bytes = Uint8Array.from(atob(gif), (character) => character.charCodeAt(0));
    expect((await decodeImage(new there.Blob([bytes]))).width).toBe(2);
  });

  test("an <img> that has not loaded, failed, or has no address", async () => {
    const image = new Image();
    expect(await refusal(decodeImage(image), "bad-image")).toContain("has no picture");
    image.src = objectUrl(new Blob(["no picture"]));
    expect(await refusal(decodeImage(image), "bad-image")).toContain("has not loaded yet; await its decode() first");
    await expect(image.decode()).rejects.toThrow();
    expect(await refusal(decodeImage(image), "bad-image")).toContain("its address is missing or failed");
  });

  test("SVG: as an <img> with a size, not without, and not as a file", async () => {
    const svg = (attributes: string) =>
      `<svg xmlns="http://www.w3.org/2000/svg" ${attributes}><rect width="9" height="9" fill="red"/></svg>`;
    const image = (attributes: string) => loadedImage(`data:image/svg+xml,${encodeURIComponent(svg(attributes))}`);
    const { width, data } = await read(await image('width="30" height="20"'));
    expect([width, ...data.subarray(0, 3)]).toEqual([30, 255, 0, 0]);
    // Firefox gives it the size that CSS would.
    if (DEVICE.browser === "firefox") expect((await decodeImage(await image(""))).width).toBe(300);
    else expect(await refusal(decodeImage(await image("")), "bad-image")).toContain("give an SVG a width and a height");
    const file = new File([svg("")], "logo.svg", { type: "image/svg+xml" });
    expect(await refusal(decodeImage(file), "bad-image")).toBe(
      "logo.svg is SVG, a drawing without pixels; save it as PNG",
    );
  });

  test.for<[string, string, RegExp]>([
    ["hello", "", /^the picture is not a picture \(5 bytes, unknown content\); use a JPEG/],
    ["hello", "image/png", /^the picture \(image\/png\) is not a picture \(5 bytes, said to be image\/png\)/],
    ["<!doctype html><p>Log in", "text/html", /is not a picture \(24 bytes, HTML\)/],
    ["%PDF-1.4 ......", "", /\(15 bytes, PDF\)/],
    ["....ftypheic....", "", /is HEIC, which this browser cannot read; save it as JPEG/],
  ])("bytes %j of type %j", async ([text, type, message]) =>
    expect(await refusal(decodeImage(new Blob([text], { type })), "bad-image")).toMatch(message),
  );

  test("canvases without pixels", async () => {
    expect(await refusal(decodeImage(new OffscreenCanvas(0, 10)), "bad-image")).toContain(
      "the OffscreenCanvas is 0 x 10",
    );
    // In Firefox it is blank.
    if (DEVICE.browser !== "firefox")
      expect(await refusal(decodeImage(new OffscreenCanvas(9, 9)), "bad-image")).toContain("it has no context");
    const canvas = document.createElement("canvas");
    canvas.width = 0;
    expect(await refusal(decodeImage(canvas), "bad-image")).toContain("the HTMLCanvasElement is 0 x 150");
  });

  test("pixels that the browser keeps from us are refused when they are used", async () => {
    // The same server under another name is another site, and does not say that its pictures may be read.
    const image = await loadedImage(sharedUrl(PICTURE).replace("//localhost", "//127.0.0.1"));
    const canvas = new OffscreenCanvas(20, 10);
    canvas.getContext("2d")!.drawImage(image, 0, 0);
    for (const input of [image, canvas])
      expect(await refusal(read(input), "bad-image")).toContain('load it with crossorigin="anonymous"');
  });
});
