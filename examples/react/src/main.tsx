// Puts the app on the page.
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";

// The name of a known model, or the address of a folder in Hugging Face layout.
const source = new URLSearchParams(location.search).get("model") ?? "fovea-demo";

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <App source={source} />
  </StrictMode>,
);
