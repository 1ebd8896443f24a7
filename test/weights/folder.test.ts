import { describe, expect, test } from "vitest";
import { isPlainFileName, openFolder } from "../../src/weights/folder.ts";
import { QUICK_RETRY, serve } from "./http-server.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const config = utf8('{"model_type":"llava"}');

describe("files at hand", () => {
  test("Blob, File, ArrayBuffer and Uint8Array are opened by name", async () => {
    const folder = openFolder({
      "a.json": new Blob([config]),
      "b.json": new File([config], "other.json"),
      "c.json": config.slice().buffer,
      "d.json": config,
    });
    for (const name of ["a.json", "b.json", "c.json", "d.json"])
      expect(await folder.json(name)).toEqual({ model_type: "llava" });
    expect(await folder.open("e.json")).toBeUndefined();
    expect(await folder.text("e.json")).toBeUndefined();
    expect(await folder.json("e.json")).toBeUndefined();
  });

  test("names of a picked folder are found by their last part, the top first", async () => {
    const folder = openFolder({
      "tiny/onnx/config.json": utf8("2"),
      "tiny/config.json": utf8("1"),
      "tiny\\tokenizer.json": utf8("3"),
      "tiny/vision/extra.json": utf8("4"),
    });
    expect(await folder.json("config.json")).toBe(1);
    expect(await folder.json("tokenizer.json")).toBe(3);
    expect(await folder.json("extra.json")).toBe(4);
  });

  test("files of a nested folder stand for themselves, not for those of the top", async () => {
    const folder = openFolder({
      "tiny/tokenizer.json": utf8("1"),
      "tiny/qformer_tokenizer/tokenizer.json": utf8("2"),
      "tiny/qformer_tokenizer/special_tokens_map.json": utf8("3"),
    });
    expect(await folder.json("tokenizer.json")).toBe(1);
    expect(await folder.json("qformer_tokenizer.json")).toBe(2);
    expect(await folder.json("special_tokens_map.json")).toBeUndefined();
  });

  test("two files of one name at one depth are no guess", async () => {
    const folder = openFolder({ "a/config.json": config, "b/config.json": config, "b/tokenizer.json": config });
    await expect(folder.open("config.json")).rejects.toMatchObject({
      code: "bad-weights",
      message: expect.stringMatching(/"a\/config.json" and "b\/config.json"/),
    });
    expect(await folder.open("tokenizer.json")).toBeDefined();
  });

  test("what every object inherits is no file", async () => {
    const folder = openFolder({});
    for (const name of ["constructor", "toString", "__proto__"]) expect(await folder.open(name)).toBeUndefined();
  });

  test.each<[string, unknown]>([
    ["null", null],
    ["nothing", undefined],
    ["a number", 7],
    ["an array", [config]],
    ["a Map", new Map([["config.json", config]])],
    ["a Blob", new Blob([config])],
    ["a function", () => config],
    ["a text as bytes", { "config.json": "{}" }],
    ["no bytes", { "config.json": undefined }],
    ["another typed array", { "config.json": new Uint16Array(2) }],
    ["shared memory", { "config.json": new SharedArrayBuffer(8) }],
    ["a view of shared memory", { "config.json": new Uint8Array(new SharedArrayBuffer(8)) }],
  ])("misuse: %s", (_, source) => {
    expect(() => openFolder(source as never)).toThrow(TypeError);
  });
});

describe("addresses", () => {
  test("files lie inside the folder, with or without a slash at its end, and keep the query", async () => {
    const server = await serve({ "m/config.json": config });
    for (const address of [
      new URL("m", server.url),
      new URL("m/", server.url).href,
      new URL("m?token=1#x", server.url),
    ]) {
      const folder = openFolder(address);
      expect(folder.location).toBe(new URL("m/", server.url).href);
      expect(await folder.json("config.json")).toEqual({ model_type: "llava" });
      expect(await folder.open("missing.json")).toBeUndefined();
    }
  });

  test("a query is sent, but not told", async () => {
    let asked = "";
    const server = await serve({ "config.json": utf8("{") }, ({ request, response, bytes }) => {
      asked = request.url!;
      response.end(bytes);
    });
    const failure = await openFolder(`${server.url}?token=secret`).json("config.json").catch(String);
    expect(asked).toBe("/config.json?token=secret");
    expect(failure).toMatch(/config\.json in http.*not valid JSON/);
    expect(failure).not.toContain("secret");
  });

  test("names are names, whatever is in them", async () => {
    const server = await serve({ "a b?c#d%2e.json": config });
    expect(await openFolder(server.url).json("a b?c#d%2e.json")).toEqual({ model_type: "llava" });
  });

  test("a page in place of a file means that there is none", async () => {
    const server = await serve({ "config.json": utf8("<!doctype html>") }, ({ response, bytes }) => {
      response.writeHead(200, { "Content-Type": "text/html" }).end(bytes);
    });
    expect(await openFolder(server.url).json("config.json")).toBeUndefined();
  });

  test.each(["demo", "", "hf:owner/name", "file:///tmp/model", "./model", "C:\\models\\tiny", "data:,x", "http://"])(
    "%j is no address of a folder",
    (source) => {
      expect(() => openFolder(source)).toThrow(TypeError);
      expect(() => openFolder(source)).toThrow(
        /is not a model; use a known name, owner\/name on the Hugging Face hub, or the http\(s\) address/,
      );
    },
  );

  test("a password is not sent along", () => {
    expect(() => openFolder("https://me:secret@host/model")).toThrow(TypeError);
    expect(() => openFolder("https://me:secret@host/model")).not.toThrow(/secret/);
  });
});

describe("text and JSON", () => {
  test("a byte order mark is no part of the text", async () => {
    const folder = openFolder({ "a.json": utf8('\uFEFF{"ä":1}') });
    expect(await folder.json("a.json")).toEqual({ ä: 1 });
    expect(await folder.text("a.json")).toBe('{"ä":1}');
  });

  test.each<[string, Uint8Array, RegExp]>([
    ["no JSON", utf8('{"a":'), /config\.json in the given files: not valid JSON/],
    ["empty", new Uint8Array(0), /config\.json in the given files: not valid JSON/],
    ["no UTF-8", new Uint8Array([0x22, 0xff, 0x22]), /config\.json in the given files: not UTF-8/],
    ["UTF-16", new Uint8Array(Buffer.from('{"a":1}', "utf16le")), /not valid JSON/],
    ["too long", utf8(`"${"x".repeat(99)}"`), /config\.json in the given files: 101 bytes, the limit is 100/],
  ])("%s", async (_, bytes, message) => {
    await expect(openFolder({ "config.json": bytes }).json("config.json", { maxBytes: 100 })).rejects.toMatchObject({
      code: "bad-weights",
      message: expect.stringMatching(message),
    });
  });

  test("a file that is too long is not fetched", async () => {
    const server = await serve({ "tokenizer.json": new Uint8Array(1_000_000) });
    const reading = openFolder(server.url).json("tokenizer.json", { maxBytes: 999_999 });
    await expect(reading).rejects.toMatchObject({ code: "bad-weights" });
    expect(server.requests).toEqual(["tokenizer.json 0-65535"]);
  });

  test("doubled keys pass unless they are refused", async () => {
    const folder = openFolder({ "a.json": utf8('{"a":{"b":1,"c":[{"b":2},{"b":3}]},"b":"\\"b\\":","a" :4}') });
    expect(await folder.json("a.json")).toEqual({ a: 4, b: '"b":' });
    await expect(folder.json("a.json", { uniqueKeys: true })).rejects.toThrow(/the key "a" occurs twice/);
    const fine = openFolder({ "a.json": utf8('{"a":{"b":1,"c":[{"b":2},{"b":3}]},"b":"\\":\\"b\\":\\\\"}') });
    expect(await fine.json("a.json", { uniqueKeys: true })).toMatchObject({ b: '":"b":\\' });
  });

  test("signals and failures get through", async () => {
    const signal = AbortSignal.abort();
    await expect(openFolder({ "a.json": config }).json("a.json", { signal })).rejects.toMatchObject({
      code: "aborted",
    });
    const server = await serve({ "a.json": config }, ({ response }) => void response.writeHead(403).end());
    const folder = openFolder(server.url, { retry: QUICK_RETRY });
    await expect(folder.json("a.json", { signal })).rejects.toMatchObject({ code: "aborted" });
    await expect(folder.json("a.json")).rejects.toMatchObject({ code: "download-failed" });
  });
});

test.each([
  "",
  ".",
  "..",
  "../config.json",
  "a/b",
  "a\\b",
  "/etc/passwd",
  "C:a",
  "https://host/a",
  "a\0b",
  "a\nb",
  "\uD800",
  "x".repeat(256),
])("%j is no plain file name", async (name) => {
  expect(isPlainFileName(name)).toBe(false);
  await expect(openFolder({ [name]: config }).open(name)).rejects.toThrow(RangeError);
});
