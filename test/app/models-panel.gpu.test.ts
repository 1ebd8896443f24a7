/** The page's choice of a model: what it says of one that cannot be reached or does not run, and the ways out. */
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { App } from "../../src/app/logic/app.ts";
import { ModelsPanel } from "../../src/app/parts/models-panel.ts";
import { FoveaError } from "../../src/errors.ts";

const engine = vi.hoisted(() => ({ planned: [] as string[], error: undefined as unknown }));
vi.mock("../../src/app/engine.ts", async (original) => ({
  ...(await original<object>()),
  planModel: async (source: unknown) => {
    engine.planned.push(typeof source === "string" ? source : "files");
    throw engine.error;
  },
}));

let panel: ModelsPanel;
beforeEach(async () => {
  engine.planned = [];
  if (!customElements.get("app-models")) customElements.define("app-models", ModelsPanel);
  panel = document.createElement("app-models") as ModelsPanel;
  panel.app = new App();
  document.body.append(panel);
  onTestFinished(() => panel.remove());
  await panel.updateComplete;
});

const alert = () => panel.renderRoot.querySelector('[role="alert"]');
const words = (element: Element | null | undefined) => element?.textContent?.replace(/\s+/g, " ").trim();
const buttons = () => [...(alert()?.querySelectorAll("button") ?? [])];

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
  expect(words(other.closest("li"))).toBe("HuggingFaceTB/SmolVLM-256M-Instruct describes photographs, 513.0 MB");
  other.click();
  await expect.poll(() => engine.planned.at(-1)).toBe("HuggingFaceTB/SmolVLM-256M-Instruct");
  expect(panel.renderRoot.querySelector<HTMLInputElement>("#address")!.value).toBe(
    "HuggingFaceTB/SmolVLM-256M-Instruct",
  );
});
