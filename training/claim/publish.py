"""Writes the checkpoint's projector as a small f16 file into this folder, with the state and a copy of the log.

python training/claim/publish.py [--runs FOLDER]
"""

import argparse
import json
import os
import shutil
from pathlib import Path

import torch

from projector import HERE, Projector

from export import write_safetensors


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=Path, default=Path(os.environ.get("FOVEA_CLAIM", Path.home() / ".cache/fovea-claim")))
    args = parser.parse_args()
    state = torch.load(args.runs / "projector.pt")
    projector = Projector(state["average"]["linear2.bias"].shape[0])
    projector.load_state_dict(state["average"])
    halves = {name: value.detach().half().contiguous().numpy() for name, value in projector.folded().items()}
    write_safetensors(HERE / "projector.safetensors", halves)
    lines = [json.loads(line) for line in (args.runs / "projector.jsonl").read_text().splitlines()]
    trained = [line for line in lines if "loss" in line and "pictures" in line and "held_out" not in line]
    held = [line for line in lines if "held_out" in line]
    report = {"pictures": state["done"], "last": trained[-1:], "held_out": held[-1:]}
    (HERE / "state.json").write_text(json.dumps(report, indent=1) + "\n")
    shutil.copy(args.runs / "projector.jsonl", HERE / "log.jsonl")
    print(f"{state['done']} pictures, {(HERE / 'projector.safetensors').stat().st_size} bytes")


if __name__ == "__main__":
    main()
