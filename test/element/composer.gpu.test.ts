/** Writing a question and gathering its pictures, as people do it: by keyboard, file, drop and paste. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { userEvent } from "vitest/browser";
import { droppedModel } from "../../src/element/dropped-model.ts";
import type { FoveaChat } from "../../src/element/fovea-chat.ts";
import { type ScriptedLoader, ScriptedModel } from "./scripted-engine.ts";
import {
  begin,
  clearStage,
  part,
  parts,
  pictureFile,
  scriptEngines,
  settled,
  showChat,
  textOf,
  tick,
  transferOf,
} from "./stage.ts";

let loader: ScriptedLoader;
let chat: FoveaChat;
beforeEach(async () => {
  loader = scriptEngines();
  chat = await showChat();
});
afterEach(clearStage);

const input = () => part<HTMLTextAreaElement>(chat, "input")!;
const focused = () => (chat.shadowRoot!.activeElement as HTMLElement | null)?.getAttribute("part");

/** Lets the element paint, and lists what it shows of the question's pictures. */
async function trayNames(): Promise<string[]> {
  await settled(chat);
  return parts(chat, "tray-item").map((item) => item.querySelector("img")!.alt);
}

function paste(...files: File[]): ClipboardEvent {
  const options = { clipboardData: transferOf(...files), bubbles: true, composed: true, cancelable: true };
  const event = new ClipboardEvent("paste", options);
  input().dispatchEvent(event);
  return event;
}

function drag(type: string, dataTransfer: DataTransfer): DragEvent {
  const event = new DragEvent(type, { dataTransfer, bubbles: true, composed: true, cancelable: true });
  part(chat, "transcript")!.dispatchEvent(event);
  return event;
}

describe("a dropped model", () => {
  const files = () => [new File(["GGUF"], "tiny-Q8_0.gguf"), new File(["GGUF"], "mmproj-F16.gguf")];

  test("is loaded in place of the other one, and is no picture", async () => {
    drag("drop", transferOf(...files()));
    await expect.poll(() => loader.last?.source).toMatch(/^dropped \d+$/);
    expect(chat.model).toBe(loader.last?.source);
    expect(Object.keys(droppedModel(chat.model!).source)).toEqual(["tiny-Q8_0.gguf", "mmproj-F16.gguf"]);
    expect(await trayNames()).toEqual([]);
    expect(part(chat, "note")!.textContent).toBe("");
  });

  test("is left to a page that takes it", async () => {
    const before = chat.model;
    const taken: string[] = [];
    const take = (event: GlobalEventHandlersEventMap["fovea-model"]) => {
      event.preventDefault();
      taken.push(...event.detail.files.map(({ name }) => name));
    };
    document.addEventListener("fovea-model", take, { once: true });
    drag("drop", transferOf(...files()));
    expect(taken).toEqual(["tiny-Q8_0.gguf", "mmproj-F16.gguf"]);
    expect(chat.model).toBe(before);
  });
});

describe("the keyboard alone", () => {
  test("reaches everything in the order in which it stands, and asks", async () => {
    const visited: (string | null | undefined)[] = [];
    for (let i = 0; i < 4; i++) {
      await userEvent.tab();
      visited.push(focused());
    }
    expect(visited).toEqual(["transcript", "button load", "button attach", "input"]);
    await userEvent.keyboard("What is it?");
    await userEvent.tab();
    expect(focused()).toBe("button send");
    await userEvent.tab({ shift: true });
    await userEvent.keyboard("{Shift>}{Enter}{/Shift}Really?{Enter}");
    await settled(chat);
    expect(textOf(chat, "question-text")).toBe("What is it? Really?");
    expect(part(chat, "question-text")!.textContent).toBe("What is it?\nReally?");
    expect([input().value, focused()]).toEqual(["", "input"]);
  });

  test("stops an answer, and keeps the focus when the button is gone", async () => {
    chat.focus();
    expect(focused()).toBe("input");
    const model = await begin(chat, loader);
    await userEvent.keyboard("{Escape}");
    await settled(chat);
    expect(model.answer.request.signal!.aborted).toBe(true);
    chat.ask("And now?").catch(() => {});
    await settled(chat);
    await userEvent.tab();
    expect(focused()).toBe("button stop");
    await userEvent.keyboard("{Enter}");
    await settled(chat);
    expect(model.answer.request.signal!.aborted).toBe(true);
    expect(focused()).toBe("input");
  });

  test("does not send what an input method is still composing", async () => {
    chat.focus();
    await userEvent.keyboard("a");
    const options = { key: "Enter", isComposing: true, bubbles: true, composed: true, cancelable: true };
    input().dispatchEvent(new KeyboardEvent("keydown", options));
    await settled(chat);
    expect(parts(chat, "turn")).toEqual([]);
  });

  test("cannot send nothing, nor a second question while one is answered", async () => {
    chat.focus();
    await userEvent.keyboard("   {Enter}");
    await settled(chat);
    expect(loader.loads).toEqual([]);
    expect(part<HTMLButtonElement>(chat, "send")!.disabled).toBe(true);
    await begin(chat, loader);
    await userEvent.keyboard("wait{Enter}");
    await settled(chat);
    expect(parts(chat, "turn")).toHaveLength(1);
    expect(input().value.trim()).toBe("wait");
  });
});

test("Enter that ends a composition does not send, whatever the browser says of it", async () => {
  input().value = "何";
  for (const composing of [{ isComposing: true }, { isComposing: false, keyCode: 229 }]) {
    const key = new KeyboardEvent("keydown", { key: "Enter", ...composing, bubbles: true, cancelable: true });
    input().dispatchEvent(key);
    expect(key.defaultPrevented).toBe(false);
  }
  await settled(chat);
  expect(input().value).toBe("何");
  expect(parts(chat, "turn")).toHaveLength(0);
});

describe("pictures", () => {
  test("come by paste, drop and file, and go with the question", async () => {
    const [a, b, c] = [await pictureFile("a.png"), await pictureFile("b.png"), await pictureFile("c.png")];
    expect(paste(a).defaultPrevented).toBe(true);
    expect(drag("drop", transferOf(b)).defaultPrevented).toBe(true);
    const chooser = chat.shadowRoot!.querySelector<HTMLInputElement>("input[multiple]")!;
    chooser.files = transferOf(c).files;
    chooser.dispatchEvent(new Event("change"));
    expect(await trayNames()).toEqual(["Picture: a.png", "Picture: b.png", "Picture: c.png"]);
    expect(chooser.value).toBe("");
    expect(parts(chat, "remove").map(({ ariaLabel }) => ariaLabel)).toContain("Remove b.png");
    await userEvent.click(parts(chat, "remove")[1]!);
    expect(await trayNames()).toEqual(["Picture: a.png", "Picture: c.png"]);
    expect(focused()).toBe("input");
    await userEvent.keyboard("What are these?{Enter}");
    await settled(chat);
    const model = loader.last.finish();
    await settled(chat);
    expect(model.answer.request.messages[0]!.content).toEqual([
      { type: "image", image: a },
      { type: "image", image: c },
      { type: "text", text: "What are these?" },
    ]);
    expect(await trayNames()).toEqual([]);
    // The same thumbnails, now in the conversation.
    expect(parts<HTMLImageElement>(chat, "picture").map(({ alt, naturalWidth }) => [alt, naturalWidth])).toEqual([
      ["Picture: a.png", 64],
      ["Picture: c.png", 64],
    ]);
  });

  test("a photo is asked of the camera", () => {
    const camera = chat.shadowRoot!.querySelector<HTMLInputElement>("input[capture]")!;
    expect([camera.accept, camera.getAttribute("capture"), camera.type]).toEqual(["image/*", "environment", "file"]);
    let opened = false;
    camera.addEventListener("click", (event) => {
      event.preventDefault();
      opened = true;
    });
    part(chat, "camera")!.click();
    expect(opened).toBe(true);
  });

  test("other files are refused by name", async () => {
    paste(new File(["a"], "notes.txt", { type: "text/plain" }), await pictureFile("a.png"));
    expect(await trayNames()).toEqual(["Picture: a.png"]);
    const note = () => expect.poll(() => textOf(chat, "note"));
    await note().toBe("notes.txt is not a picture (1 bytes, said to be text/plain); use a JPEG, PNG or WebP.");
    paste(new File(["no pixels"], "broken.png", { type: "image/png" }));
    await note().toMatch(/^broken\.png is not a picture \(9 bytes, said to be image\/png\)/);
    paste(new File(["<svg xmlns='http://www.w3.org/2000/svg'/>"], "logo.svg", { type: "image/svg+xml" }));
    await note().toBe("logo.svg is SVG, a drawing without pixels; save it as PNG.");
    paste(new File(["\0\0\0\x18ftypheic...."], "IMG_1.HEIC", { type: "image/heic" }));
    await note().toMatch(/^IMG_1\.HEIC is HEIC, which this browser cannot read; save it as JPEG \(on an iPhone/);
    const png = new Uint8Array(await (await pictureFile("b.png")).arrayBuffer());
    paste(new File([png.slice(0, png.length - 20)], "cut.png", { type: "image/png" }));
    await note().toMatch(/^cut\.png is a PNG of 64 x 48 pixels, cut short or damaged/);
    expect(await trayNames()).toEqual(["Picture: a.png"]);
  });

  test("files are known by their bytes, whatever they are called", async () => {
    const bytes = await (await pictureFile("a.png")).arrayBuffer();
    paste(new File([bytes], "photo"));
    await expect.poll(trayNames).toEqual(["Picture: photo"]);
    paste(new File([bytes], "notes.txt", { type: "text/plain" }));
    await expect.poll(trayNames).toEqual(["Picture: photo", "Picture: notes.txt"]);
    expect(textOf(chat, "note")).toBe("");
  });

  test("an address of a picture is dropped as the picture, never followed", async () => {
    const address = URL.createObjectURL(await pictureFile("linked.png"));
    const link = (text: string) => {
      const data = new DataTransfer();
      data.setData("text/uri-list", text);
      expect(drag("dragover", data).defaultPrevented).toBe(true);
      expect(drag("drop", data).defaultPrevented).toBe(true);
    };
    link(`# a comment\r\n${address}`);
    await expect.poll(trayNames).toEqual([`Picture: ${address.split("/").at(-1)}`]);
    link("http://127.0.0.1:9/cat.png");
    await expect
      .poll(() => textOf(chat, "note"))
      .toMatch(/^http:\/\/127\.0\.0\.1:9\/cat\.png could not be fetched .* pass the file/);
    link("mailto:someone@example.org");
    await expect.poll(() => textOf(chat, "note")).toMatch(/mailto:/);
    expect(await trayNames()).toHaveLength(1);
  });

  test("text is pasted and dropped as ever", () => {
    const data = new DataTransfer();
    data.setData("text/plain", "hello");
    expect(drag("dragover", data).defaultPrevented).toBe(false);
    expect(drag("drop", data).defaultPrevented).toBe(false);
    const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, composed: true, cancelable: true });
    input().dispatchEvent(event);
    expect(event.defaultPrevented).toBe(false);
  });

  test("text that comes with its picture, as from Word and Excel, is pasted as text", async () => {
    const pasted = (text: string, file: File, target: Element = input()) => {
      const data = transferOf(file);
      data.setData("text/plain", text);
      const event = new ClipboardEvent("paste", {
        clipboardData: data,
        bubbles: true,
        composed: true,
        cancelable: true,
      });
      target.dispatchEvent(event);
      return event.defaultPrevented;
    };
    const file = await pictureFile("image.png");
    expect(pasted("Berlin\t3.6", file)).toBe(false);
    expect(pasted("Berlin\r\nimage.png", file)).toBe(false);
    expect(await trayNames()).toEqual([]);
    // A copied file brings its name, path or address; outside of a text field there is nothing to paste text into.
    const copied = await pictureFile("my cat.png");
    for (const text of ["my cat.png", "/home/me/my cat.png", "file:///home/me/my%20cat.png", " "])
      expect(pasted(text, copied), text).toBe(true);
    expect(pasted("Berlin\t3.6", file, part(chat, "transcript")!)).toBe(true);
    expect(await trayNames()).toHaveLength(5);
  });

  test("the element shows that it takes what is dragged over it", async () => {
    const data = transferOf(await pictureFile());
    expect(drag("dragover", data).defaultPrevented).toBe(true);
    await settled(chat);
    expect(part(chat, "frame")!.classList).toContain("over");
    drag("dragleave", data);
    await settled(chat);
    expect(part(chat, "frame")!.classList).not.toContain("over");
  });

  test("are left out, and said to be, where the model reads text only", async () => {
    paste(await pictureFile());
    chat.load().catch(() => {});
    const model = loader.last.finish(new ScriptedModel({ takesPictures: false, imageTokens: 0 }));
    await settled(chat);
    expect(textOf(chat, "note")).toBe("This model reads text only and ignores pictures.");
    expect([part(chat, "attach"), part(chat, "camera")]).toEqual([undefined, undefined]);
    chat.focus();
    await userEvent.keyboard("Hello{Enter}");
    await tick();
    expect(model.answer.request.messages).toEqual([{ role: "user", content: "Hello" }]);
  });
});
