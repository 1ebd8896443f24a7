"""What every stage shares: the run folder, checkpoints, the log. Knows no model.

Everything is written outside the checkout: the folder is FOVEA_RUNS or the --runs argument. A checkpoint is replaced as a
whole, so a killed run resumes from the last one.
"""

import argparse
import json
import os
import time
from pathlib import Path

import torch

import parallel


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
        self.saved_at = time.time()
        if parallel.rank() != 0:
            return
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def due(self, seconds: float = 150) -> bool:
        return time.time() - self.saved_at > seconds

    def log(self, **values) -> None:
        """One line of JSON, from the first worker only."""
        if parallel.rank() != 0:
            return
        line = {key: round(v, 4) if isinstance(v, float) else v for key, v in values.items()}
        line["time"] = round(time.time())
        with self.journal.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(" ".join(f"{key}={value}" for key, value in line.items()), flush=True)
