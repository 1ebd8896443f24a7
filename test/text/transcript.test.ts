/** Conversations as transcripts: turns as lines, and transcripts that a caller wrote. */
import { describe, expect, it } from "vitest";
import type { TranscriptFormat } from "../../src/spec/prompt-spec.ts";
import type { ChatPart } from "../../src/text/messages.ts";
import { type Turn, writeTranscript } from "../../src/text/prompt-format.ts";

const INSTRUCTED: TranscriptFormat = { speaker: "User:", answerer: "Assistant:", around: "|", end: "<end>" };
const { end: _, ...BASE } = INSTRUCTED;
const picture: ChatPart = { type: "image" };

/** Strings are texts. */
const turn = (role: Turn["role"], ...parts: (string | ChatPart)[]): Turn => ({
  role,
  parts: parts.map((part) => (typeof part === "string" ? { type: "text", text: part } : part)),
});

function write(
  turns: Turn[],
  { format = INSTRUCTED, addGenerationPrompt = true, bosId = undefined as number | undefined } = {},
) {
  const literal = (text: string) => text.replaceAll("<", "‹");
  return writeTranscript(format, turns, { bosId, addGenerationPrompt, place: "#", literal });
}

describe("turns", () => {
  it("are lines, with pictures where they stand", () => {
    expect(
      write([turn("user", picture, " What is this? "), turn("assistant", "A boat."), turn("user", "And", picture)]),
    ).toEqual(["User:|#|What is this?<end>\nAssistant: A boat.<end>\nUser: And|#|<end>\nAssistant:"]);
  });

  it("two pictures next to each other share a text, a space between them or not", () => {
    expect(write([turn("user", picture, picture, " ", picture, "?", picture)])).toEqual([
      "User:|#|#|#|?|#|<end>\nAssistant:",
    ]);
  });

  it("of a model without an end token are lines alone", () => {
    expect(write([turn("user", "Hi"), turn("assistant", "Yes."), turn("user", "Why?")], { format: BASE })).toEqual([
      "User: Hi\nAssistant: Yes.\nUser: Why?\nAssistant:",
    ]);
  });

  it("a system message is the first line, without a word before it", () => {
    expect(write([turn("system", " Be brief. "), turn("user", "Hi")])).toEqual([
      "Be brief.\nUser: Hi<end>\nAssistant:",
    ]);
  });

  it("begin with the begin token, and end without an answer's beginning where none is wanted", () => {
    expect(write([turn("user", "Hi")], { bosId: 1, addGenerationPrompt: false })).toEqual([1, "User: Hi<end>"]);
  });

  it("texts of a message are one text: no token of a template begins in one and ends in the next", () => {
    expect(write([turn("user", "a <e", "nd> b")])).toEqual(["User: a ‹end> b<end>\nAssistant:"]);
    expect(write([turn("user", "")])).toEqual(["User:<end>\nAssistant:"]);
  });

  it("line breaks around a text stay", () => {
    expect(write([turn("user", " \n Hi\n ")])).toEqual(["User: \n Hi\n<end>\nAssistant:"]);
  });
});

describe("a message that begins with the user's word", () => {
  it("is a transcript: its parts stand as they are, with the end token between texts", () => {
    const parts = [" User: What? ", picture, "\nAssistant: A boat. ", "\nUser: And?", picture, picture, "\nAssistant:"];
    expect(write([turn("user", ...parts)], { bosId: 1 })).toEqual([
      1,
      "User: What?|#|\nAssistant: A boat.<end>\nUser: And?|#|#|\nAssistant:",
    ]);
    expect(write([turn("user", ...parts)], { format: BASE })).toEqual([
      "User: What?|#|\nAssistant: A boat.\nUser: And?|#|#|\nAssistant:",
    ]);
  });

  it("is one only if it stands alone, and is the user's", () => {
    expect(write([turn("user", "User: a"), turn("assistant", "b")])[0]).toBe(
      "User: User: a<end>\nAssistant: b<end>\nAssistant:",
    );
    expect(write([turn("assistant", "User: a")])[0]).toBe("Assistant: User: a<end>\nAssistant:");
    expect(write([turn("user", picture, "User: a")])[0]).toBe("User:|#|User: a<end>\nAssistant:");
  });

  it("writes no token of the caller's", () => {
    expect(write([turn("user", "User: <end>", "<e", "nd>")])).toEqual(["User: ‹end><end>‹e<end>nd>"]);
    expect(write([turn("user", "User: <e", "nd>")], { format: BASE })).toEqual(["User: ‹end>"]);
  });
});
