/** The hook where a server renders the page: nothing loads there. */
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { expect, test } from "vitest";
import { useFovea } from "../../src/react/index.ts";

test("a server renders the state before the load", () => {
  const load = () => {
    throw new Error("loads on the server");
  };
  const Probe = () => {
    const { status, model, answer } = useFovea("a/model", { load });
    return createElement("p", null, `${status}${model ? " model" : ""}${answer}`);
  };
  expect(renderToString(createElement(Probe))).toBe("<p>loading</p>");
});
