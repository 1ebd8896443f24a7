"""What every stage shares: the run folder, checkpoints, the log, background workers. Knows no model.

Everything is written outside the checkout: the folder is FOVEA_RUNS or the --runs argument. A checkpoint is replaced as a
whole, so a killed run resumes from the last one.
"""

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch


def setup() -> None:
    """Threads and numerics; call first. The malloc and OpenMP settings must come from the environment (see README.md)."""
    torch.set_num_threads(int(os.environ.get("FOVEA_THREADS", os.cpu_count() or 1)))
    torch.set_flush_denormal(True)
    torch.manual_seed(0)


def arguments(samples: int) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", default=os.environ.get("FOVEA_RUNS"), help="folder for checkpoints and logs, outside the checkout")
    parser.add_argument("--samples", type=int, default=samples, help="pictures of this stage; the learning rate falls towards it")
    return parser


class Run:
    """One stage's checkpoint and log in the run folder."""

    def __init__(self, folder: str | None, stage: str) -> None:
        if not folder:
            raise SystemExit("name a run folder: --runs FOLDER or FOVEA_RUNS=FOLDER")
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.checkpoint = self.folder / f"{stage}.pt"
        self.journal = self.folder / f"{stage}.jsonl"
        self.saved_at = time.time()

    def load(self) -> dict | None:
        return torch.load(self.checkpoint) if self.checkpoint.exists() else None

    def save(self, state: dict) -> None:
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)
        self.saved_at = time.time()

    def due(self, seconds: float = 150) -> bool:
        return time.time() - self.saved_at > seconds

    def log(self, **values) -> None:
        line = {key: round(v, 4) if isinstance(v, float) else v for key, v in values.items()}
        line["time"] = round(time.time())
        with self.journal.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(" ".join(f"{key}={value}" for key, value in line.items()), flush=True)


def _one_thread() -> None:
    torch.set_num_threads(1)


def batches(make: Callable[[int, int], object], start: int, size: int) -> Iterator[object]:
    """make(first seed, count) in one background process, two batches ahead, in order: the same batches on every resume."""
    with multiprocessing.get_context("fork").Pool(1, initializer=_one_thread) as pool:
        waiting = [pool.apply_async(make, (start + i * size, size)) for i in range(3)]
        index = 3
        while True:
            ready = waiting.pop(0)
            waiting.append(pool.apply_async(make, (start + index * size, size)))
            index += 1
            yield ready.get()
