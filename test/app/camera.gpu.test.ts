/** The page's camera, around a stream of this page's making: when a photo is taken, and what comes of one without pixels. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { App } from "../../src/app/logic/app.ts";
import type { LiveOptions } from "../../src/app/logic/live.ts";
import { Camera } from "../../src/app/parts/camera.ts";
import { FoveaError } from "../../src/errors.ts";

if (!customElements.get("app-camera")) customElements.define("app-camera", Camera);

let camera: Camera;
let video: HTMLVideoElement;

beforeEach(async () => {
  const canvas = document.createElement("canvas");
  canvas.getContext("2d")!.fillRect(0, 0, 10, 10);
  vi.spyOn(navigator.mediaDevices, "getUserMedia").mockResolvedValue(canvas.captureStream(0));
  camera = document.body.appendChild(new Camera());
  await camera.updateComplete;
  video = camera.renderRoot.querySelector("video")!;
});
afterEach(() => {
  camera.remove();
  vi.restoreAllMocks();
});

/** Sends an event while the video has this width. Returns the button after the update. */
async function tell(event: "loadeddata" | "resize", width: number): Promise<HTMLButtonElement> {
  Object.defineProperty(video, "videoWidth", { configurable: true, value: width });
  Object.defineProperty(video, "videoHeight", { configurable: true, value: width });
  video.dispatchEvent(new Event(event));
  await camera.updateComplete;
  return camera.renderRoot.querySelector("button")!;
}

function nextPhoto(): Promise<File> {
  return new Promise((resolve) => {
    camera.addEventListener("photograph", (event) => resolve((event as CustomEvent<File>).detail), { once: true });
  });
}

test("gives the photo as a file", async () => {
  expect(camera.renderRoot.querySelector("button")!.disabled).toBe(true);
  const photo = nextPhoto();
  (await tell("loadeddata", 64)).click();
  const file = await photo;
  expect([file.name, file.type]).toEqual(["Photo.jpg", "image/jpeg"]);
  expect(file.size).toBeGreaterThan(0);
});

test("a dialog that is closed before the user allows the camera leaves it off", async () => {
  camera.remove();
  const stream = document.createElement("canvas").captureStream(0);
  let allow = (_: MediaStream) => {};
  const asked = new Promise<MediaStream>((resolve) => {
    allow = resolve;
  });
  vi.spyOn(navigator.mediaDevices, "getUserMedia").mockReturnValue(asked);
  const closed = document.body.appendChild(new Camera());
  closed.remove();
  allow(stream);
  await vi.waitFor(() => expect(stream.getTracks().map(({ readyState }) => readyState)).toEqual(["ended"]));
  expect(closed.stream).toBeUndefined();
});

test("waits for the size, which may come after the press", async () => {
  const photo = nextPhoto();
  (await tell("loadeddata", 0)).click();
  await tell("resize", 64);
  expect((await createImageBitmap(await photo)).width).toBe(64);
});

test("says so when the photo has no pixels", async () => {
  vi.spyOn(HTMLCanvasElement.prototype, "toBlob").mockImplementation((done) => done(null));
  (await tell("loadeddata", 64)).click();
  await vi.waitFor(() => expect(camera.problem).toMatch(/gave no picture/));
});

/** A live mode that the test answers. Ends with the signal, as the real one. */
function scriptLive() {
  const asked: Omit<LiveOptions, "settings">[] = [];
  const watch = (options: Omit<LiveOptions, "settings">) =>
    new Promise<void>((_, reject) => {
      asked.push(options);
      options.signal.addEventListener("abort", () => reject(new FoveaError("aborted", "the camera was stopped")));
    });
  camera.app = { watch } as App;
  return asked;
}

const liveButton = () => camera.renderRoot.querySelector<HTMLButtonElement>("button.live")!;
const shown = (part: string) => camera.renderRoot.querySelector(part)?.textContent.trim();

async function beginLive() {
  const asked = scriptLive();
  await tell("loadeddata", 64);
  expect(liveButton().textContent).toBe("Ask live");
  liveButton().click();
  await camera.updateComplete;
  return asked;
}

test("one button asks live and stops", async () => {
  const [asked] = await beginLive();
  expect([liveButton().textContent, shown("[role=status]"), asked!.question]).toEqual([
    "Stop",
    "Looking",
    "What do you see now?",
  ]);
  expect((await asked!.take()).width).toBe(64);
  asked!.onAnswer({ text: " A dog.", number: 1 });
  await camera.updateComplete;
  expect([shown(".answer"), shown("[role=status]")]).toEqual(["A dog.", ""]);
  asked!.onAnswer({ text: " A dog.", number: 1, milliseconds: 1234 });
  await camera.updateComplete;
  expect(shown("[role=status]")).toBe("Answer 1, in 1.2 s");
  // It stays while the next answer is written, so that nothing flickers.
  asked!.onAnswer({ text: " A dog.", number: 2 });
  await camera.updateComplete;
  expect(shown("[role=status]")).toBe("Answer 1, in 1.2 s");
  liveButton().click();
  await camera.updateComplete;
  expect([asked!.signal.aborted, liveButton().textContent, camera.problem]).toEqual([true, "Ask live", ""]);
  // The last answer stays to be read.
  expect(shown(".answer")).toBe("A dog.");
});

test("a page that is hidden stops the answers and the camera, and says so when it is back", async () => {
  const [asked] = await beginLive();
  const [track] = camera.stream!.getTracks();
  vi.spyOn(document, "hidden", "get").mockReturnValue(true);
  document.dispatchEvent(new Event("visibilitychange"));
  expect([asked!.signal.aborted, track!.readyState, camera.stream]).toEqual([true, "ended", undefined]);
  vi.spyOn(document, "hidden", "get").mockReturnValue(false);
  document.dispatchEvent(new Event("visibilitychange"));
  await vi.waitFor(() => expect(camera.stream).toBeDefined());
  await camera.updateComplete;
  expect(shown("[role=status]")).toBe("Stopped, because the page was hidden.");
  expect(liveButton().textContent).toBe("Ask live");
});

test("an error of the model is shown, and the button asks again", async () => {
  camera.app = {
    watch: async () => Promise.reject(new FoveaError("bad-image", "this model reads text only")),
  } as unknown as App;
  await tell("loadeddata", 64);
  liveButton().click();
  await vi.waitFor(() => expect(camera.problem).toBe("This model reads text only."));
  await camera.updateComplete;
  expect(liveButton().textContent).toBe("Ask live");
});

test("a closed dialog ends the answers", async () => {
  const [asked] = await beginLive();
  camera.remove();
  expect(asked!.signal.aborted).toBe(true);
});
