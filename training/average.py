"""Averages a stage's weights with those that it started from, so that it forgets less of what they knew.

python average.py [--runs RUNS] [--stage form] [--share 0.8]. Writes the stage's checkpoint, with the state of its optimisers; the stage
can be continued from it. After Wortsman et al., "Robust fine-tuning of zero-shot models" (2022).
"""

import argparse
import os
from pathlib import Path

import torch

from train_decoder import STARTS_FROM


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=Path, default=os.environ.get("FOVEA_RUNS"))
    parser.add_argument("--stage", default="form")
    parser.add_argument("--share", type=float, default=0.8, help="share of the stage's own weights")
    args = parser.parse_args()
    path = Path(args.runs) / f"{args.stage}.pt"
    state, earlier = torch.load(path), torch.load(path.with_stem(STARTS_FROM[args.stage]))
    for part in ("encoder", "decoder"):
        state[part] = {name: earlier[part][name].lerp(value, args.share) for name, value in state[part].items()}
    torch.save(state, path)


if __name__ == "__main__":
    main()
