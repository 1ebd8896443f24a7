/** The page's choice of a model: what it says of one that cannot be reached or does not run, and the ways out. */
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { App } from "../../src/app/logic/app.ts";
import { HubSearch } from "../../src/app/parts/hub-search.ts";
import { ModelsPanel } from "../../src/app/parts/models-panel.ts";
import { SuggestedModels } from "../../src/app/parts/suggested-models.ts";
import { FoveaError } from "../../src/errors.ts";

const engine = vi.hoisted(() => ({
  planned: [] as string[],
  error: undefined as unknown,
  searched: [] as string[],
  found: [] as object[],
  searchError: undefined as unknown,
  stored: [] as string[],
  fit: (_bytes: number): string | undefined => undefined,
}));
vi.mock("../../src/app/engine.ts", async (original) => ({
  ...(await original<object>()),
  planModel: async (source: unknown) => {
    engine.planned.push(typeof source === "string" ? source : "files");
    throw engine.error;
  },
  searchHub: async (words: string) => {
    engine.searched.push(words);
    if (engine.searchError) throw engine.searchError;
    return engine.found;
  },
  storedModels: async () => engine.stored.map((source) => ({ source, complete: true, bytes: 1, files: [], since: "" })),
  guessFit: async (bytes: number) => engine.fit(bytes),
}));

const PARTS = [
  ["app-hub-search", HubSearch],
  ["app-models", ModelsPanel],
  ["app-suggested-models", SuggestedModels],
] as const;

let panel: ModelsPanel;
beforeEach(async () => {
  Object.assign(engine, { planned: [], searched: [], found: [], stored: [] });
  for (const [name, part] of PARTS) if (!customElements.get(name)) customElements.define(name, part);
  panel = document.createElement("app-models") as ModelsPanel;
  panel.app = new App();
  document.body.append(panel);
  onTestFinished(() => panel.remove());
  await panel.updateComplete;
});

const alert = () => panel.renderRoot.querySelector('[role="alert"]');
const words = (element: Element | null | undefined) => element?.textContent?.replace(/\s+/g, " ").trim();
const buttons = () => [...(alert()?.querySelectorAll("button") ?? [])];

test("files that were dropped on the page are checked, also while the panel is open", async () => {
  for (const count of [1, 2]) {
    panel.files = [new File(["GGUF"], "tiny-Q8_0.gguf")];
    await expect.poll(() => engine.planned.length).toBe(count);
  }
  expect(engine.planned).toEqual(["files", "files"]);
});

async function check(address: string): Promise<void> {
  const field = panel.renderRoot.querySelector<HTMLInputElement>("#address")!;
  field.value = address;
  field.dispatchEvent(new Event("input"));
  await panel.updateComplete;
  field.form!.requestSubmit();
  await expect.poll(alert).not.toBe(null);
}

test("a name of the hub needs no prefix; without a network it can be tried again", async () => {
  engine.error = new FoveaError(
    "download-failed",
    "hf:owner/name: the connection to https://huggingface.co/api/models/owner/name failed (Failed to fetch); gave up after 5 attempts; check the connection and the address, then load again",
  );
  await check("owner/name");
  expect(panel.renderRoot.querySelector("#token")).not.toBe(null);
  expect(words(alert()!.querySelector("p"))).toBe(
    "Hugging Face cannot be reached. Check the connection and try again.",
  );
  const details = alert()!.querySelector("details")!;
  expect(details.open).toBe(false);
  expect(details.textContent).toContain("hf:owner/name: the connection");
  buttons()
    .find(({ textContent }) => textContent === "Try again")!
    .click();
  await expect.poll(() => engine.planned).toEqual(["owner/name", "owner/name"]);
});

test("a model that does not run leads to models that do", async () => {
  engine.error = new FoveaError("unsupported-model", 'model_type is "moondream1"; supported: llava, vit');
  await check("https://example.org/model");
  expect(words(alert())).toMatch(/^model_type is "moondream1".*These run here: fovea-demo emoji scenes only/);
  const other = buttons().find(({ textContent }) => textContent?.includes("SmolVLM-256M"))!;
  expect(words(other.closest("li"))).toBe("HuggingFaceTB/SmolVLM-256M-Instruct describes photographs, 513.1 MB");
  other.click();
  await expect.poll(() => engine.planned.at(-1)).toBe("HuggingFaceTB/SmolVLM-256M-Instruct");
  expect(panel.renderRoot.querySelector<HTMLInputElement>("#address")!.value).toBe(
    "HuggingFaceTB/SmolVLM-256M-Instruct",
  );
});

test("words that are no name are searched for on the hub, and a match is checked", async () => {
  engine.error = new FoveaError("download-failed", "no");
  engine.found = [{ source: "hf:a/smol", downloads: 12_345, gated: true }];
  const field = panel.renderRoot.querySelector<HTMLInputElement>("#address")!;
  field.value = "smol vlm";
  field.dispatchEvent(new Event("input"));
  await panel.updateComplete;
  expect(words(field.form!.querySelector("button"))).toBe("Search");
  field.form!.requestSubmit();
  const search = panel.renderRoot.querySelector("app-hub-search") as HubSearch;
  await expect
    .poll(() => words(search.renderRoot.querySelector("li span")))
    .toBe("a/smol 12K downloads, needs an access token");
  expect(engine.searched).toEqual(["smol vlm"]);
  search.renderRoot.querySelector("button")!.click();
  await expect.poll(() => engine.planned).toEqual(["a/smol"]);
  expect(field.value).toBe("a/smol");
});

test("a search that finds nothing says so; one that fails can be tried again", async () => {
  const search = document.createElement("app-hub-search") as HubSearch;
  onTestFinished(() => search.remove());
  search.words = "whisper";
  document.body.append(search);
  await expect
    .poll(() => words(search.renderRoot.querySelector("p")))
    .toMatch(/^Nothing on Hugging Face for “whisper”/);
  engine.searchError = new FoveaError("download-failed", "no");
  search.words = "smol";
  await expect.poll(() => search.renderRoot.querySelector('[role="alert"]')).not.toBe(null);
  engine.searchError = undefined;
  search.renderRoot.querySelector("button")!.click();
  await expect.poll(() => engine.searched).toEqual(["whisper", "smol", "smol"]);
  await expect.poll(() => search.renderRoot.querySelector('[role="alert"]')).toBe(null);
});

test("the list says what is likely to fit, and loads what is downloaded", async () => {
  engine.stored = ["hf:HuggingFaceTB/SmolVLM-256M-Instruct"];
  engine.fit = (bytes) => (bytes > 2e9 ? "too-large" : "fits");
  const list = document.createElement("app-suggested-models") as SuggestedModels;
  onTestFinished(() => list.remove());
  const chosen: string[] = [];
  for (const kind of ["load", "check"])
    list.addEventListener(kind, (event) => chosen.push(`${kind} ${(event as CustomEvent<string>).detail}`));
  Object.assign(list.style, { display: "block", width: "320px" });
  document.body.append(list);
  await list.updateComplete;
  const heights = () => [...list.renderRoot.querySelectorAll("li")].map((one) => one.getBoundingClientRect().height);
  const before = heights();
  const entry = (name: string) =>
    [...list.renderRoot.querySelectorAll("li")].find((one) => one.querySelector("h3")?.textContent?.endsWith(name))!;
  await expect.poll(() => words(entry("/SmolVLM-256M-Instruct"))).toMatch(/Downloaded · about .* Likely to fit.*Load$/);
  await expect.poll(() => words(entry("/Qwen3-VL-2B-Instruct"))).toMatch(/4\.3 GB to download.*Likely too large/);
  const fitting = [...list.renderRoot.querySelectorAll("li")].map(
    (one) => /to download .* Likely to fit/.test(words(one)!) || undefined,
  );
  expect(fitting.filter(Boolean).length).toBeGreaterThan(2);
  expect(heights().map((height, i) => fitting[i] && height)).toEqual(before.map((height, i) => fitting[i] && height));
  expect(words(list.renderRoot.querySelector("ul + p"))).toMatch(
    /^Only bartowski\/SmolLM2-135M-Instruct-GGUF was run with its published weights\./,
  );
  entry("/SmolVLM-256M-Instruct").querySelectorAll("button")[1]!.click();
  entry("/Qwen3-VL-2B-Instruct").querySelectorAll("button")[0]!.click();
  expect(chosen).toEqual(["load HuggingFaceTB/SmolVLM-256M-Instruct", "check Qwen/Qwen3-VL-2B-Instruct-GGUF:Q4_K_M"]);
});
