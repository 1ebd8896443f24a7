/** The sizes of a model in the element: of a stand-in hub, and of dropped files; the list, and the choice of one. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EngineRegistry, type ModelPlanner } from "../../src/element/engines.ts";
import { FoveaChat } from "../../src/element/fovea-chat.ts";
import { planHere } from "../../src/element/local-engines.ts";
import { planModel } from "../../src/engine/plan-model.ts";
import { FoveaError } from "../../src/errors.ts";
import { Network } from "../support/network.ts";
import { describeShared, needing, sharedBytes } from "../support/shared.ts";
import { ScriptedLoader } from "./scripted-engine.ts";
import { clearStage, part, parts, settled, showChat, textOf, transferOf } from "./stage.ts";

const HUB = "https://hub.test/";
const COMMIT = "c".repeat(40);

const at = (folder: string, file: string) => sharedBytes(`golden/formats/${folder}/model/${file}`);

/** Publishes files as "someone/tiny" on the stand-in hub. */
async function publish(files: Record<string, Uint8Array<ArrayBuffer>>): Promise<void> {
  const network = new Network();
  network.chunkBytes = 1 << 16;
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const entries = Object.entries(files).map(async ([path, bytes]) => {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const oid = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return { type: "file", path, size: bytes.length, oid: "0".repeat(40), lfs: { oid, size: bytes.length } };
  });
  network.add(`${HUB}api/models/someone/tiny/`, {
    "revision/main": json({ sha: COMMIT }),
    [`tree/${COMMIT}`]: json(await Promise.all(entries)),
  });
  network.add(`${HUB}someone/tiny/resolve/${COMMIT}/`, files);
}

let loader: ScriptedLoader;
const script = (plan?: ModelPlanner) => {
  loader = new ScriptedLoader();
  FoveaChat.engines = new EngineRegistry(loader.load, plan);
};
const planOfHub: ModelPlanner = (source, options) => planModel(source, { hubUrl: HUB, cache: "none", ...options });

beforeEach(() => script(planOfHub));
afterEach(async () => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  await clearStage();
});

async function open(chat: FoveaChat): Promise<string[]> {
  part(chat, "sizes-button")!.click();
  await expect.poll(() => textOf(chat, "sizes"), { timeout: 60_000 }).toMatch(/\S/);
  await expect.poll(() => textOf(chat, "sizes"), { timeout: 60_000 }).not.toMatch(/^Looking/);
  await settled(chat);
  return sizes(chat);
}

const sizes = (chat: FoveaChat) => parts(chat, "size").map(({ textContent }) => textContent!);

describeShared(needing("golden/formats", "the sizes of a model in the element"), () => {
  test("of a hub are listed with bytes and fit, and the chosen one is loaded", async () => {
    const files = {
      "tiny-Q8_0.gguf": await at("gguf-llama-q8_0", "tiny-Q8_0.gguf"),
      "tiny-Q4_1.gguf": await at("gguf-llama-q4_1", "tiny-Q4_1.gguf"),
      "tiny-F16.gguf": await at("gguf-llama-f16", "tiny-F16.gguf"),
    };
    await publish(files);
    // Twice this is taken to fit, half of that without doubt: 128 kB fit, 190 kB are tight, 430 kB are too large.
    const limits = { maxBufferSize: 150_000, maxStorageBufferBindingSize: 150_000 };
    vi.spyOn(navigator.gpu, "requestAdapter").mockResolvedValue({ limits } as GPUAdapter);
    const chat = await showChat({ model: "someone/tiny" });
    expect(part(chat, "sizes-button")!.getAttribute("aria-expanded")).toBe("false");
    expect(await open(chat)).toEqual(["Q4_1, 128.4 kB, fits", "Q8_0, 190.2 kB, tight", "F16, 429.6 kB, too large"]);
    expect(parts(chat, "size").map((button) => button.getAttribute("aria-pressed"))).toEqual([
      "true",
      "false",
      "false",
    ]);
    expect(loader.loads).toEqual([]);
    parts(chat, "size")[1]!.click();
    await settled(chat);
    expect(chat.model).toBe("hf:someone/tiny:tiny-Q8_0.gguf");
    expect(loader.last.source).toBe("hf:someone/tiny:tiny-Q8_0.gguf");
    expect(parts(chat, "sizes")).toEqual([]);
    loader.last.finish();
    await settled(chat);
    expect(parts(chat, "sizes-button")).toEqual([]);
  });

  test("of dropped files are read in a worker, and the choice keeps the others", async () => {
    script(planHere);
    const chat = await showChat({});
    const files = [
      new File([await at("gguf-llama-q8_0", "tiny-Q8_0.gguf")], "tiny-Q8_0.gguf"),
      new File([await at("gguf-llama-q4_1", "tiny-Q4_1.gguf")], "tiny-Q4_1.gguf"),
    ];
    const drop = new DragEvent("drop", { dataTransfer: transferOf(...files), bubbles: true, composed: true });
    part(chat, "transcript")!.dispatchEvent(drop);
    await expect.poll(() => loader.last?.source).toMatch(/^dropped \d+$/);
    await settled(chat);
    const found = await open(chat);
    expect(found.map((text) => text.split(",")[0])).toEqual(["Q4_1", "Q8_0"]);
    const first = loader.last;
    parts(chat, "size")[1]!.click();
    await settled(chat);
    expect(first.options.signal!.aborted).toBe(true);
    expect(loader.last.source).toMatch(/^dropped \d+:tiny-Q8_0\.gguf$/);
    const plan = await planHere(loader.last.source, { signal: new AbortController().signal });
    expect(plan.files.map(({ name }) => name)).toEqual(["tiny-Q8_0.gguf"]);
  });

  test("a model of one size says what it takes", async () => {
    await publish({ "tiny-Q4_1.gguf": await at("gguf-llama-q4_1", "tiny-Q4_1.gguf") });
    const chat = await showChat({ model: "hf:someone/tiny" });
    expect(await open(chat)).toEqual([]);
    expect(textOf(chat, "sizes")).toMatch(
      /^One size: [\d.]+ [kM]B to download, about [\d.]+ MB of GPU memory: fits\.$/,
    );
  });
});

test("a look that fails says why, and one that is closed is ended", async () => {
  let signal: AbortSignal | undefined;
  script(async (_, options) => {
    signal = options.signal;
    if (signal.aborted) throw new Error("late");
    throw new FoveaError("download-failed", "the hub is busy");
  });
  const chat = await showChat({ model: "hf:someone/tiny" });
  await open(chat);
  expect(textOf(chat, "sizes")).toBe("The hub is busy.");
  part(chat, "sizes-button")!.click();
  await settled(chat);
  expect(parts(chat, "sizes")).toEqual([]);
  expect(signal!.aborted).toBe(true);
});

test("nothing is offered for an address, a server, a known name, or without a look", async () => {
  for (const attributes of [
    { model: "https://models.test/a/" },
    { model: "fovea-demo" },
    { model: "hf:a/b", server: "https://models.test/v1" },
  ])
    expect(parts(await showChat(attributes), "sizes-button")).toEqual([]);
  script(undefined);
  expect(parts(await showChat({ model: "hf:a/b" }), "sizes-button")).toEqual([]);
});
