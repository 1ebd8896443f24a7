/** What people with a screen reader, large text, a narrow screen or other settings get, in every state of the element. */
import axe from "axe-core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { page } from "vitest/browser";
import type { FoveaChat } from "../../src/element/fovea-chat.ts";
import { FoveaError } from "../../src/errors.ts";
import type { ScriptedLoader } from "./scripted-engine.ts";
import { begin, clearStage, part, parts, pictureFile, scriptEngines, settled, showChat, transferOf } from "./stage.ts";

let loader: ScriptedLoader;
beforeEach(() => {
  loader = scriptEngines();
});
afterEach(async () => {
  document.documentElement.removeAttribute("style");
  document.documentElement.dir = "ltr";
  await clearStage();
});

const ANSWER = [
  "# A cat\n\nIt **sleeps** on `a chair`:\n\n- one\n- [two](https://example.org)",
  "> said\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode that is much longer than any narrow window can show at once\n```",
].join("\n\n");

/** Every state, and how to get there. */
const STATES: [string, (chat: FoveaChat) => Promise<void>][] = [
  ["empty", async () => {}],
  [
    "pictures and a question that is not sent",
    async (chat) => {
      const dataTransfer = transferOf(await pictureFile(), new File(["x"], "notes.txt"));
      chat.dispatchEvent(new DragEvent("drop", { dataTransfer }));
      part<HTMLTextAreaElement>(chat, "input")!.value = "What is it?";
    },
  ],
  [
    "loading",
    async (chat) => {
      chat.load().catch(() => {});
      loader.last.progress(1e6, 4e6);
    },
  ],
  [
    "waiting for another tab",
    async (chat) => {
      chat.ask("What is it?", await pictureFile()).catch(() => {});
      await settled(chat);
      loader.last.options.onWait!(true);
    },
  ],
  [
    "a load that failed",
    async (chat) => {
      chat.load().catch(() => {});
      loader.last.fail(new FoveaError("download-failed", "config.json: no answer; try again"));
    },
  ],
  ["reading", async (chat) => void (await begin(chat, loader))],
  ["writing", async (chat) => (await begin(chat, loader)).answer.write(ANSWER)],
  [
    "answered",
    async (chat) => {
      const { answer } = await begin(chat, loader);
      answer.write(ANSWER);
      answer.finish();
    },
  ],
  [
    "stopped",
    async (chat) => {
      await begin(chat, loader);
      chat.stop();
    },
  ],
  [
    "failed",
    async (chat) => (await begin(chat, loader)).answer.fail(new FoveaError("out-of-memory", "the GPU is full")),
  ],
];

async function complaints(): Promise<string[]> {
  const { violations } = await axe.run(document.body, {
    // The page around the element is the tests' own.
    rules: { region: { enabled: false } },
  });
  return violations.flatMap(({ id, impact, nodes }) => nodes.map(({ html }) => `${impact} ${id}: ${html}`));
}

/** Lets the element show a state, animations and all. */
async function show(chat: FoveaChat, reach: (chat: FoveaChat) => Promise<void>): Promise<void> {
  await reach(chat);
  chat.requestUpdate();
  await settled(chat);
  await new Promise((resolve) => setTimeout(resolve, 200));
}

describe.for(["light", "dark"])("%s", (scheme) => {
  test.for(STATES)("has nothing that axe complains of: %s", async ([, reach]) => {
    document.documentElement.style.cssText = `color-scheme: ${scheme}; background: Canvas`;
    const chat = await showChat();
    await show(chat, reach);
    expect(await complaints()).toEqual([]);
  });
});

test("colours follow the page's color-scheme, and its properties", async () => {
  document.documentElement.style.colorScheme = "light";
  const chat = await showChat();
  const background = () => getComputedStyle(part(chat, "frame")!).backgroundColor;
  expect(background()).toBe("rgb(255, 255, 255)");
  document.documentElement.style.colorScheme = "dark";
  expect(background()).toBe("rgb(22, 25, 30)");
  document.documentElement.style.setProperty("--fovea-background", "rgb(1, 2, 3)");
  expect(background()).toBe("rgb(1, 2, 3)");
  const style = document.createElement("style");
  style.textContent = "fovea-chat::part(send) { background: rgb(4, 5, 6) }";
  document.body.append(style);
  await expect.poll(() => getComputedStyle(part(chat, "send")!).backgroundColor).toBe("rgb(4, 5, 6)");
});

test("an answer is read out as a whole, once it is there", async () => {
  const chat = await showChat();
  const spoken = () => chat.shadowRoot!.querySelector('.hidden[role="status"]')!.textContent;
  const { answer } = await begin(chat, loader);
  expect(spoken()).toBe("The model is ready.");
  answer.write("# A **cat**\n\nand a dog");
  await expect.poll(() => part(chat, "answer")).toBeDefined();
  expect(spoken()).not.toContain("cat");
  // What is being written is in no live region of its own.
  expect(part(chat, "answer")!.closest("[aria-live], [role=log], [role=status], [role=alert]")).toBeNull();
  answer.finish();
  await settled(chat);
  expect(spoken()).toBe("Answer: A cat\nand a dog");
});

test.for([360, 180])("everything fits a window of %d pixels, in both directions of writing", async (width) => {
  await page.viewport(width, 640);
  try {
    for (const dir of ["ltr", "rtl"]) {
      document.documentElement.dir = dir;
      for (const [state, reach] of STATES) {
        const chat = await showChat();
        await show(chat, reach);
        const frame = part(chat, "frame")!.getBoundingClientRect();
        const wide = parts(chat, "turn")
          .concat(parts(chat, "composer"), parts(chat, "status"), parts(chat, "error"), parts(chat, "button"))
          .map((shown) => [shown.getAttribute("part"), shown.getBoundingClientRect()] as const)
          .filter(([, { left, right }]) => left < frame.left - 1 || right > frame.right + 1)
          .map(([name]) => name);
        expect([dir, state, wide]).toEqual([dir, state, []]);
        expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
        await clearStage();
        loader = scriptEngines();
      }
    }
  } finally {
    await page.viewport(414, 896);
  }
});

test("in a language from right to left, send is at the left", async () => {
  document.documentElement.dir = "rtl";
  const chat = await showChat();
  const left = (name: string) => part(chat, name)!.getBoundingClientRect().left;
  expect(left("send")).toBeLessThan(left("input"));
  expect(left("input")).toBeLessThan(left("attach"));
});

test("the conversation follows what is written, unless its reader has gone back", async () => {
  const chat = await showChat();
  const { answer } = await begin(chat, loader);
  const transcript = part(chat, "transcript")!;
  const distance = () => transcript.scrollHeight - transcript.scrollTop - transcript.clientHeight;
  answer.write("line\n\n".repeat(60));
  await expect.poll(() => transcript.scrollHeight).toBeGreaterThan(1000);
  await expect.poll(distance).toBeLessThan(2);
  transcript.scrollTop = 0;
  await new Promise((resolve) => setTimeout(resolve, 100));
  answer.write("line\n\n".repeat(60));
  await expect.poll(() => transcript.scrollHeight).toBeGreaterThan(3000);
  expect(transcript.scrollTop).toBe(0);
});
