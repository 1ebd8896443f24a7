/** `npm run ask` with nothing but a picture and a question: the model that ships answers. */
import { describe, expect, test } from "vitest";
import type { PageResult } from "../../tools/ask-page.mjs";
import { projectRoot, runCommand } from "../support/command.ts";

const picture = (name: string) => `${projectRoot}/eval/set/${name}`;

describe("the model that ships", () => {
  test.for<[picture: string, question: string, words: RegExp[]]>([
    ["0000.png", "What is in this picture?", [/\bwhale\b/, /\bfrog\b/]],
    ["0003.png", "Describe the picture.", [/\bbus\b/, /\bkey\b/, /\borange\b/, /\bwater\b/]],
    ["0001.png", "What is in the background of the picture?", [/\bsky\b/]],
  ])("%s: %s", async ([name, question, words]) => {
    const { code, stdout, stderr } = await runCommand("ask", ["--image", picture(name), "--prompt", question]);
    expect(code).toBe(0);
    // What the model is for, beside its answer and not in it.
    expect(stderr).toBe("note: fovea-demo: Knows emoji scenes, not photographs.\n");
    // Its first token is " A"; who compares an answer expects no space there.
    expect(stdout).toMatch(/^\S/);
    for (const word of words) expect(stdout).toMatch(word);
  });

  test("two seconds of video, which shows the first of these pictures", async () => {
    const video = `${projectRoot}/test/video/whale-and-frog.webm`;
    const line = ["--video", video, "--frames", "1", "--prompt", "What is in this picture?", "--json"];
    const { code, stdout, stderr } = await runCommand("ask", line);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { answer, images }: PageResult = JSON.parse(stdout);
    for (const word of [/\bwhale\b/, /\bfrog\b/]) expect(answer).toMatch(word);
    expect(images.map(({ file }) => file)).toEqual(["whale-and-frog.webm"]);
  });
});
