/** Node as a place to measure: Dawn instead of a browser, as a package that is installed on demand. */
import { PAGE_PARTS } from "./parts/page-parts.ts";
import { runPart } from "./parts/part.ts";
import type { PartResult, SizeName } from "./parts/result.ts";
import { type ImportModule, provideDawn } from "./provide-dawn.ts";

/** Names of the parts that run here. */
export type NodePartName = keyof typeof PAGE_PARTS;

/** Dawn in this process; parts run as in a browser's page. */
export class NodeHost {
  readonly #size: SizeName | undefined;

  private constructor(size: SizeName | undefined) {
    this.#size = size;
  }

  /** Provides WebGPU as in a browser; see `provideDawn`. */
  static async open(size: SizeName | undefined, importModule: ImportModule): Promise<NodeHost> {
    await provideDawn(importModule);
    return new NodeHost(size);
  }

  run(name: NodePartName, progress: (what: string) => void): Promise<PartResult> {
    return runPart(name, PAGE_PARTS[name], { size: this.#size, progress });
  }

  async close(): Promise<void> {}
}
