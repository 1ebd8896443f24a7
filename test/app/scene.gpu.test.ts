/** Scenes of emoji: what a computer without a font of them is told, and which pictures are the page's own. */
import { expect, onTestFinished, test } from "vitest";
import { SceneBuilder } from "../../src/app/parts/scene-builder.ts";
import { drawsInColour } from "../../src/app/scene/draw.ts";
import { isOwnPicture, SAMPLES, SCENE_NAME } from "../../src/app/scene/samples.ts";
import { KINDS } from "../../src/app/scene/scene.ts";

test("colour tells an emoji from the box of a missing one", () => {
  expect(drawsInColour(KINDS[0]!.emoji)).toBe(true);
  // A character that no font has, and a letter.
  expect(drawsInColour("\u{10fffe}")).toBe(false);
  expect(drawsInColour("A")).toBe(false);
});

test("without coloured emoji nothing can be chosen, and the way out is said", async () => {
  if (!customElements.get("app-scene-builder")) customElements.define("app-scene-builder", SceneBuilder);
  const builder = document.createElement("app-scene-builder") as SceneBuilder;
  onTestFinished(() => builder.remove());
  document.body.append(builder);
  await builder.updateComplete;
  expect(builder.renderRoot.querySelectorAll(".palette button").length).toBe(KINDS.length);
  builder.hasEmoji = false;
  await builder.updateComplete;
  expect(builder.renderRoot.querySelectorAll("button")).toHaveLength(0);
  expect(builder.renderRoot.textContent).toMatch(/no font with coloured emoji.*fonts-noto-color-emoji/s);
});

test("samples and built scenes are the page's own pictures, others are not", () => {
  const own = (image: Parameters<typeof isOwnPicture>[0]["image"]) => isOwnPicture({ image });
  expect(own(new File(["x"], SCENE_NAME))).toBe(true);
  expect(own(`https://example.org/page/samples/${SAMPLES[0]!.name}`)).toBe(true);
  expect(own(new File(["x"], "cat.jpg"))).toBe(false);
  expect(own(`https://example.org/${SAMPLES[0]!.name}`)).toBe(false);
  expect(own(new ImageData(2, 2))).toBe(false);
});
