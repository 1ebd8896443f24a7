// A model as a hook: loads it in a worker when the component mounts, frees it when it unmounts.
import type { FoveaModel } from "fovea";
import { createFovea } from "fovea/worker";
import { useEffect, useState } from "react";

export function useFovea(source: string) {
  const [fovea, setFovea] = useState<FoveaModel>();
  const [progress, setProgress] = useState("Loading ...");
  useEffect(() => {
    const leaving = new AbortController();
    createFovea(source, {
      signal: leaving.signal,
      onProgress: ({ stage, loadedBytes, totalBytes }) =>
        setProgress(`${stage} ${totalBytes ? Math.round((100 * loadedBytes) / totalBytes) : 0} %`),
    }).then(
      (model) => {
        if (leaving.signal.aborted) return model.dispose();
        leaving.signal.addEventListener("abort", () => model.dispose());
        setFovea(model);
        setProgress("Ready.");
      },
      (error: Error) => {
        if (!leaving.signal.aborted) setProgress(error.message);
      },
    );
    return () => {
      leaving.abort();
      setFovea(undefined);
    };
  }, [source]);
  return { fovea, progress };
}
