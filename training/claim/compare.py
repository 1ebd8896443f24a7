"""Compares greedy answers of the engine with those of PyTorch, on a few pictures and settings.

python training/claim/compare.py FOLDER [--pictures 2] [--settings full,vmtc-32,vmtc-32+cmai]
FOLDER is what export_llava.py wrote. Each answer starts the engine anew in a headless browser.
"""

import argparse
import json
import subprocess
from pathlib import Path

import torch

from projector import HERE

from conversation import closing, opening
from measure import SET, Asker
from reductions import MAX_RATIO, parse

LIMIT, PROMPT = 16, "Describe this picture."


def engine_answer(folder: Path, picture: Path, setting_name: str) -> str:
    setting = parse(setting_name)
    tokens = "none" if setting.method == "full" else str(setting.tokens)
    command = ["node", "tools/run.mjs", "ask", "--model", str(folder.resolve()), "--image", str(picture), "--prompt", PROMPT, "--tokens", tokens,
               "--inhibit", str(MAX_RATIO if setting.inhibited else 0), "--max-tokens", str(LIMIT), "--json"]
    done = subprocess.run(command, cwd=HERE.parent.parent, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()}")
    return json.loads(done.stdout)["answer"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=2)
    parser.add_argument("--settings", default="full,vmtc-32,vmtc-32+cmai")
    args = parser.parse_args()
    torch.set_num_threads(1)
    asker = Asker(args.folder / "model.safetensors", torch.float32)  # the projector among all else
    names = json.loads(SET.read_text())["items"]
    equal = total = 0
    for picture in range(args.pictures):
        for name in args.settings.split(","):
            ours = asker.ask(parse(name), [opening()], [picture], [closing(PROMPT)], LIMIT)[0]
            theirs = engine_answer(args.folder, SET.parent / names[picture]["image"], name)
            equal, total = equal + (ours.strip() == theirs.strip()), total + 1
            print(json.dumps({"picture": picture, "setting": name, "torch": ours, "engine": theirs}), flush=True)
    print(f"{equal} of {total} answers are equal")


if __name__ == "__main__":
    main()
