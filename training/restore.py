"""Turns an exported folder back into a checkpoint, so that a later stage can continue from shipped weights.

python restore.py FOLDER [--runs RUNS] [--stage joint]. The checkpoint holds the exported f16 weights and no state of the optimisers.
"""

import argparse
import os
import shutil
from pathlib import Path

import torch

from evaluate import read_safetensors
from export import from_hugging_face


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=Path, default=os.environ.get("FOVEA_RUNS"))
    parser.add_argument("--stage", default="joint", help="the stage that counts as done")
    args = parser.parse_args()
    runs = Path(args.runs)
    runs.mkdir(parents=True, exist_ok=True)
    encoder, decoder = from_hugging_face(read_safetensors(args.folder / "model.safetensors"))
    torch.save({"encoder": encoder, "decoder": decoder, "done": 0}, runs / f"{args.stage}.pt")
    shutil.copy(args.folder / "tokenizer.json", runs / "tokenizer.json")


if __name__ == "__main__":
    main()
