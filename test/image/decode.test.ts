/** What `decodeImage` does without a browser: pixels, addresses, and everything it refuses. Decoding is decode.gpu.test.ts. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { decodeImage } from "../../src/image/decode.ts";
import { fetchPicture, PICTURE_STALL_MS } from "../../src/image/fetch-picture.ts";
import type { ImageInput } from "../../src/shared/picture.ts";
import { refusal } from "../support/pictures.ts";

const ADDRESS = "https://example.org/pictures/cat.jpg?token=secret#part";

/** The bytes of a PNG as far as its sizes, and its end. */
function pngHeader(width: number, height: number): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR........IEND", (character) => character.charCodeAt(0));
  new DataView(bytes.buffer).setUint32(16, width);
  new DataView(bytes.buffer).setUint32(20, height);
  return bytes;
}

function pixels(width: number, height: number, byteLength = width * height * 4) {
  return { width, height, data: new Uint8ClampedArray(byteLength) };
}

async function misuse(input: unknown): Promise<string> {
  const error = await decodeImage(input as ImageInput).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TypeError);
  return (error as TypeError).message;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("pixels", () => {
  test("are used in place", async () => {
    for (const input of [pixels(7, 5), { ...pixels(7, 5), data: new Uint8Array(140) }]) {
      const picture = await decodeImage(input);
      expect([picture.width, picture.height]).toEqual([7, 5]);
      expect(picture.pixels).toMatchObject({ data: input.data });
      picture.close();
      expect(input.data.length).toBe(140);
    }
  });

  test("too few or too many bytes, sizes that are none", async () => {
    expect(await refusal(decodeImage(pixels(7, 5, 139)), "bad-image")).toContain(
      "7 x 5 pixels and must have 140 bytes of RGBA, but has 139",
    );
    expect(await refusal(decodeImage(pixels(7, 5, 0)), "bad-image")).toContain("has 0 (transferred?)");
    expect(await misuse({ ...pixels(7, 5), width: 7.5 })).toContain("got Object");
  });
});

function ascii(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}

/** A JPEG whose frame header follows 30 segments of 64 kB. */
function lateJpeg(width: number, height: number): number[] {
  const segment = [0xff, 0xe2, 0xff, 0xff, ...new Array<number>(0xfffd).fill(0)];
  const frame = [
    0xff,
    0xc0,
    0,
    17,
    8,
    height >> 8,
    height & 255,
    width >> 8,
    width & 255,
    ...new Array<number>(10).fill(0),
  ];
  return [0xff, 0xd8, ...Array.from({ length: 30 }, () => segment).flat(), ...frame, 0xff, 0xda, 0, 2, 0xff, 0xd9];
}

describe("limits", () => {
  test.for<[number, number, string]>([
    [1, 1, "the picture is 1 x 1 pixels; both sides need at least 2"],
    [1, 100, "both sides need at least 2"],
    [401, 2, "401 x 2 pixels, thinner than 200:1"],
    [2, 401, "thinner than 200:1"],
    [30000, 1, "30000 x 1 pixels"],
  ])("%i x %i", async ([width, height, message]) =>
    expect(await refusal(decodeImage(pixels(width, height)), "bad-image")).toContain(message),
  );

  test("400 x 2 is a picture", async () => expect((await decodeImage(pixels(400, 2))).width).toBe(400));

  test.for<[number, number, string]>([
    [70000, 70000, "is 70000 x 70000 pixels; the limit is 65535 a side and 67108864 in all"],
    [20000, 20000, "the limit is 65535 a side and 67108864 in all"],
    [4294967295, 1, "both sides need at least 2"],
    [30000, 100, "thinner than 200:1"],
  ])("a file of %i x %i is refused before it is decoded", async ([width, height, message]) => {
    const decoder = vi.fn();
    vi.stubGlobal("createImageBitmap", decoder);
    expect(await refusal(decodeImage(new Blob([pngHeader(width, height)])), "bad-image")).toContain(message);
    expect(decoder).not.toHaveBeenCalled();
  });

  test.for<[string, number[]]>([
    ["AVIF", [...ascii("....ftypavif....ispe"), 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0]],
    ["JPEG whose size comes after megabytes", lateJpeg(20000, 20000)],
    ["JPEG without a size", [0xff, 0xd8, 0xff, 0xda, 0, 2, 0, 0]],
    ["AVIF without a size", ascii("....ftypavif........................")],
  ])("a bomb is refused before it is decoded: %s", async ([, bytes]) => {
    const decoder = vi.fn();
    vi.stubGlobal("createImageBitmap", decoder);
    expect(await refusal(decodeImage(new Blob([Uint8Array.from(bytes)])), "bad-image")).toMatch(
      /the limit is 65535 a side|cannot read, or is damaged/,
    );
    expect(decoder).not.toHaveBeenCalled();
  });

  test("a size after megabytes of other data is found", async () => {
    vi.stubGlobal("createImageBitmap", async () => ({ width: 40, height: 30, close() {} }));
    expect((await decodeImage(new Blob([Uint8Array.from(lateJpeg(40, 30))]))).width).toBe(40);
  });

  test("encoded bytes", async () => {
    class HugeFile extends Blob {
      override readonly size = 2 ** 28 + 1;
    }
    expect(await refusal(decodeImage(new HugeFile()), "bad-image")).toContain(
      "has 268435457 bytes; the limit is 268435456",
    );
  });
});

describe("wrong arguments", () => {
  test.for<[unknown, string]>([
    [undefined, "Undefined"],
    [null, "Null"],
    [42, "Number"],
    [{}, "Object"],
    [[], "Array"],
    [new Uint8Array(16), "Uint8Array"],
    [new ArrayBuffer(16), "ArrayBuffer"],
    [new URL("https://example.org/cat.jpg"), "URL"],
    [{ width: 2, height: 2, data: new Float32Array(16) }, "Object"],
    [Promise.resolve(), "Promise"],
  ])("%o", async ([input, kind]) => expect(await misuse(input)).toContain(`or the address of a picture, got ${kind}`));

  test.for(["", "  ", "http://", "cat.jpg"])("address %j, where there is no page", async (address) =>
    expect(await misuse(address)).toContain("is not the address of a picture"),
  );

  test.for(["file:///etc/passwd", "javascript:alert(1)", "ftp://example.org/cat.jpg"])("address %j", async (address) =>
    expect(await misuse(address)).toContain("addresses begin with http:, https:, blob:, data:"),
  );
});

describe("without a decoder", () => {
  test("a picture says so", async () => {
    expect(await refusal(decodeImage(new Blob([pngHeader(20, 20)])), "bad-image")).toContain(
      "without createImageBitmap. Pass pixels as { data, width, height }",
    );
  });

  test("an empty file, and one that can no longer be read", async () => {
    expect(await refusal(decodeImage(new Blob([])), "bad-image")).toContain("is empty (0 bytes)");
    class LostFile extends Blob {
      readonly name = "holiday.jpg";
      override readonly size = 10;
      override slice(): Blob {
        return { arrayBuffer: () => Promise.reject(new Error("moved")) } as unknown as Blob;
      }
    }
    expect(await refusal(decodeImage(new LostFile()), "bad-image")).toBe(
      "holiday.jpg can no longer be read; pick the file again",
    );
  });
});

describe("addresses", () => {
  test("a base64 data URL is not fetched", async () => {
    vi.stubGlobal("fetch", () => expect.fail("fetched"));
    const { name, blob } = await fetchPicture("data:image/png;name=a;base64,AQID%0A/w==", undefined);
    expect(name).toBe("data:image/png;name=a;base64,...");
    expect(blob.type).toBe("image/png");
    expect([...new Uint8Array(await blob.arrayBuffer())]).toEqual([1, 2, 3, 255]);
  });

  test.for(["data:image/png;base64,AQI*", "data:image/png;base64,%zz"])("%s", async (address) =>
    expect(await refusal(fetchPicture(address, undefined), "bad-image")).toContain("is not valid base64"),
  );

  test("an answer is read whole; its name leaves out what may be secret", async () => {
    const fetched = vi.fn(async () => new Response(Uint8Array.of(1, 2, 3), { headers: { "content-type": "image/x" } }));
    vi.stubGlobal("fetch", fetched);
    const { name, blob } = await fetchPicture(ADDRESS, undefined);
    expect(name).toBe("https://example.org/pictures/cat.jpg");
    expect([blob.size, blob.type]).toEqual([3, "image/x"]);
    expect(fetched).toHaveBeenCalledExactlyOnceWith(new URL(ADDRESS), { signal: expect.any(AbortSignal) });
  });

  test.for([404, 403, 500])("HTTP %i", async (status) => {
    vi.stubGlobal("fetch", async () => new Response("no", { status }));
    const message = await refusal(decodeImage(ADDRESS), "download-failed");
    expect(message).toBe(
      `https://example.org/pictures/cat.jpg: the server answered HTTP ${status}; check the address of the picture`,
    );
  });

  test("no connection, or no permission", async () => {
    vi.stubGlobal("fetch", async () => {
      throw new TypeError("Failed to fetch");
    });
    const message = await refusal(decodeImage(ADDRESS), "download-failed");
    expect(message).toContain("could not be fetched (Failed to fetch)");
    expect(message).toContain("CORS");
    expect(message).not.toContain("secret");
  });

  test("an answer without end is given up", async () => {
    let sent = 0;
    let cancelled = false;
    const chunk = new Uint8Array(2 ** 24);
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        sent++;
        controller.enqueue(chunk);
      },
      cancel() {
        cancelled = true;
      },
    });
    vi.stubGlobal("fetch", async () => new Response(body));
    expect(await refusal(decodeImage(ADDRESS), "bad-image")).toContain("the limit is 268435456");
    expect(cancelled).toBe(true);
    expect(sent).toBeLessThan(20);
  });

  test("an empty answer is an empty picture", async () => {
    vi.stubGlobal("fetch", async () => new Response(null));
    expect(await refusal(decodeImage(ADDRESS), "bad-image")).toContain("is empty (0 bytes)");
  });
});

describe("a server that sends nothing", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test.for<[string, () => Promise<unknown>]>([
    ["no answer", () => new Promise(() => {})],
    ["no body", async () => new Response(new ReadableStream())],
    [
      "half a body",
      async () => new Response(new ReadableStream({ start: (body) => body.enqueue(Uint8Array.of(1, 2)) })),
    ],
  ])("is given up: %s", async ([, answer]) => {
    vi.useFakeTimers();
    const signals: AbortSignal[] = [];
    vi.stubGlobal("fetch", (_: URL, { signal }: { signal: AbortSignal }) => {
      signals.push(signal);
      return answer();
    });
    const message = refusal(decodeImage(ADDRESS), "download-failed");
    await vi.advanceTimersByTimeAsync(PICTURE_STALL_MS + 1);
    expect(await message).toContain("https://example.org/pictures/cat.jpg: nothing arrived for 20 s");
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  test("slow but steady is no stall", async () => {
    vi.useFakeTimers();
    let left = 5;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, PICTURE_STALL_MS - 1));
        if (left-- === 0) controller.close();
        else controller.enqueue(Uint8Array.of(left));
      },
    });
    vi.stubGlobal("fetch", async () => new Response(body));
    const fetched = fetchPicture(ADDRESS, undefined);
    await vi.advanceTimersByTimeAsync(7 * PICTURE_STALL_MS);
    expect((await fetched).blob.size).toBe(5);
  });
});

describe("abort", () => {
  test("before", async () => {
    const signal = AbortSignal.abort();
    await refusal(decodeImage(pixels(4, 4), { signal }), "aborted");
  });

  test("during the download", async () => {
    const controller = new AbortController();
    vi.stubGlobal("fetch", (_url: URL, { signal }: { signal: AbortSignal }) => {
      const answer = new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
      controller.abort();
      return answer;
    });
    await refusal(decodeImage(ADDRESS, { signal: controller.signal }), "aborted");
  });

  test("during a download and a decoding that heed no signal: at once", async () => {
    for (const stub of ["fetch", "createImageBitmap"]) {
      const controller = new AbortController();
      vi.stubGlobal(stub, () => new Promise(() => setTimeout(() => controller.abort())));
      const input = stub === "fetch" ? ADDRESS : new Blob([pngHeader(20, 20)]);
      const start = performance.now();
      await refusal(decodeImage(input, { signal: controller.signal }), "aborted");
      expect(performance.now() - start).toBeLessThan(1000);
    }
  });

  test("during decoding: the bitmap is closed", async () => {
    const controller = new AbortController();
    const close = vi.fn();
    vi.stubGlobal("createImageBitmap", async () => {
      controller.abort();
      return { width: 20, height: 20, close };
    });
    const input = new Blob([pngHeader(20, 20)]);
    await refusal(decodeImage(input, { signal: controller.signal }), "aborted");
    expect(close).toHaveBeenCalledOnce();
  });

  test("a bitmap that turns out too large is closed", async () => {
    const close = vi.fn();
    vi.stubGlobal("createImageBitmap", async () => ({ width: 70000, height: 70000, close }));
    await refusal(decodeImage(new Blob(["an unknown format"])), "bad-image");
    expect(close).toHaveBeenCalledOnce();
  });
});
