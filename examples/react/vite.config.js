// Vite's server must not bundle the library ahead: it starts its worker from a file beside its own.
import { defineConfig } from "vite";

export default defineConfig({ optimizeDeps: { exclude: ["fovea"] } });
