/** Set up before the kernels' tests on Dawn: `npx vitest run --project dawn`, FOVEA_GPU=1 for this machine's GPU. */
import { provideDawn } from "../../bench/provide-dawn.ts";

await provideDawn((address) => import(/* @vite-ignore */ address));
