// Vite's server must not pre-bundle the library, which starts its worker from a file beside its own.
import { defineConfig } from "vite";

export default defineConfig({ optimizeDeps: { exclude: ["fovea"] } });
