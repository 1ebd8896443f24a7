/** Scenes as data: where a new thing goes, and what a scene is called. */
import { expect, test } from "vitest";
import { freePlace, kindNamed, placeText, type Scene, sceneText, thing } from "../../src/app/scene/scene.ts";

const at = (x: number, y: number, size = 0.2) => thing(kindNamed("dog"), { x, y, size, angle: 0 });
const scene = (...things: Scene["things"][number][]): Scene => ({ background: "grass", things });

test("a new thing goes where it has the most room, and in the middle of an empty scene", () => {
  expect(freePlace(scene(), 0.3)).toEqual({ x: 0.5, y: 0.5 });
  expect(freePlace(scene(at(0.5, 0.5)), 0.3)).toEqual({ x: 0.25, y: 0.25 });
  // Beside a large thing there is less room than beside a small one.
  expect(freePlace(scene(at(0, 0.5, 0.9), at(1, 0.5, 0.1)), 0.1)).toEqual({ x: 0.75, y: 0.25 });
});

test.for<[x: number, y: number, text: string]>([
  [0.5, 0.5, "in the middle"],
  [0.1, 0.5, "on the left"],
  [0.5, 0.9, "at the bottom"],
  [0.9, 0.1, "in the top right"],
  [1, 0, "in the top right"],
])("%f, %f is %s", ([x, y, text]) => expect(placeText({ x, y })).toBe(text));

test("a scene in words", () => {
  const apple = thing(kindNamed("apple"), { x: 0.5, y: 0.1, size: 0.2, angle: 0 });
  expect(sceneText(scene(at(0.1, 0.5), apple))).toBe(
    "A scene with a dog on the left and an apple at the top; background: grass.",
  );
  expect(sceneText(scene())).toBe("A scene with nothing; background: grass.");
});
