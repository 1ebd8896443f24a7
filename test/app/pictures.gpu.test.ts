/** Files for the page's next question: their bytes decide, and one sentence says why another is none. */
import { beforeEach, expect, test } from "vitest";
import { App } from "../../src/app/logic/app.ts";
import { decodeImage } from "../../src/image/decode.ts";

let app: App;
beforeEach(() => {
  app = new App();
});

async function picture(type = "image/png"): Promise<Uint8Array<ArrayBuffer>> {
  const canvas = new OffscreenCanvas(64, 48);
  canvas.getContext("2d")!.fillRect(0, 0, 20, 20);
  return new Uint8Array(await (await canvas.convertToBlob({ type })).arrayBuffer());
}

const names = () => app.store.state.draft.map(({ name, width, height }) => [name, width, height]);

test.for([
  ["photo", ""],
  ["photo.jpg", "image/jpeg"],
  ["photo.txt", "text/plain"],
] as const)("a JPEG called %s, said to be %j, is a picture", async ([name, type]) => {
  await app.pictures.addFiles([new File([await picture("image/jpeg")], name, { type })]);
  expect(names()).toEqual([[name, 64, 48]]);
  expect(app.store.state.notice).toBe("");
});

test.for([
  [
    "an SVG",
    "logo.svg",
    "image/svg+xml",
    "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
    "is SVG, a drawing without pixels",
  ],
  [
    "HEIC",
    "IMG_0001.HEIC",
    "",
    "\0\0\0\x18ftypheic....",
    "is HEIC, which this browser cannot read; save it as JPEG (on an iPhone",
  ],
  ["JSON", "package.json", "application/json", "{}", "is not a picture (2 bytes, said to be application/json)"],
  ["a page", "photo.jpg", "image/jpeg", "<!doctype html>", "is not a picture (15 bytes, HTML)"],
  ["nothing", "empty.png", "image/png", "", "is empty (0 bytes)"],
] as const)("%s is refused in the engine's words", async ([, name, type, content, words]) => {
  const file = new File([content], name, { type });
  await app.pictures.addFiles([file]);
  expect(names()).toEqual([]);
  expect(app.store.state.notice).toContain(`${name} ${words}`);
  await expect(decodeImage(file)).rejects.toThrow(app.store.state.notice.replace(/\.$/, ""));
});

test("a picture that was cut short is refused, the others are added", async () => {
  const bytes = await picture("image/jpeg");
  const cut = new File([bytes.slice(0, bytes.length - 100)], "cut.jpg", { type: "image/jpeg" });
  await app.pictures.addFiles([new File([bytes], "a.jpg"), cut, new File([bytes], "b.jpg")]);
  expect(names()).toEqual([
    ["a.jpg", 64, 48],
    ["b.jpg", 64, 48],
  ]);
  expect(app.store.state.notice).toMatch(
    /^cut\.jpg is a JPEG of 64 x 48 pixels, cut short or damaged .*get it again\.$/,
  );
});

test("a fifth picture is refused", async () => {
  const file = new File([await picture()], "a.png");
  await app.pictures.addFiles([file, file, file, file, file]);
  expect(names()).toHaveLength(4);
  expect(app.store.state.notice).toBe("A question takes at most 4 pictures; remove one first.");
});
