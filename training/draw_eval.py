"""Draws the held-out evaluation set into a folder: PNG pictures at the model's size, eval.json and verdicts.json. The one set for
both sides: evaluate.py (PyTorch) and the evaluation in the browser read the same files.

python draw_eval.py FOLDER [--pictures 100]. Seeds, pairs of kinds (in pictures of two or more) and wordings were never trained
on. Each picture is asked on six of the topics that it settles, those asked least so far, and four times with an instruction;
the sixteen tasks take turns. verdicts.json: what this side's judges say, for the other side's to be held against.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from dialogue import Turn, make_turn
from draw import draw
from kinds import BACKGROUNDS, KINDS
from questions import CLOSED, TOPICS
from scene import EVAL_SEED, Scene, make_scene
from verdicts import verdicts
from vision import SIDE

PLAIN, INSTRUCTED = 6, 4


def entry(turn: Turn) -> dict:
    question = turn.question
    return {"topic": question.topic, "prompt": turn.prompt, "need": question.need, "only": question.only, "allow": question.allow,
            "task": turn.task, "reference": turn.answer}


def ask_plainly(scene: Scene, asked: dict[str, int]) -> list[Turn]:
    """Questions on the topics that were asked least often, which `asked` counts."""
    rng = np.random.default_rng([scene.seed, 5])
    turns: list[Turn] = []
    for topic in sorted(TOPICS, key=lambda name: asked[name]):
        turn = make_turn(scene, rng, 0, topic)
        trivial = topic == "relation" and len(scene.things) == 1  # nothing is beside the only thing
        if turn.question.topic == topic and not trivial and len(turns) < PLAIN:  # what the scene does not settle becomes another topic
            turns.append(turn)
            asked[topic] += 1
    return turns


def ask_instructed(scene: Scene, first: int) -> list[Turn]:
    """Questions with an instruction: tasks from the `first` on, counted from 0, and from the first again after the sixteenth."""
    rng = np.random.default_rng([scene.seed, 6])
    turns: list[Turn] = []
    while len(turns) < INSTRUCTED:
        turn = make_turn(scene, rng, 1)
        if turn.task["task"] == (first + len(turns)) % 16 + 1:
            turns.append(turn)
    return turns


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=100)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    items, turns = [], []
    asked = dict.fromkeys(TOPICS, 0)
    for picture in range(args.pictures):
        scene = make_scene(EVAL_SEED + picture)
        name = f"{picture:04}.png"
        Image.fromarray(draw(scene, SIDE)[0]).save(args.folder / name, optimize=True)
        things = [{"kind": KINDS[t.kind].name, "x": round(t.x, 3), "y": round(t.y, 3), "size": round(t.size, 3)} for t in scene.things]
        questions = ask_plainly(scene, asked) + ask_instructed(scene, picture * INSTRUCTED)
        turns += questions
        items.append({"image": name, "background": BACKGROUNDS[scene.background], "things": things, "questions": list(map(entry, questions))})
    write_lines(args.folder / "eval.json", {"closed": CLOSED}, "items", items)
    write_lines(args.folder / "verdicts.json", {}, "cases", verdicts(turns))
    plain = sum(asked.values())
    print(f"{len(items)} pictures, {plain} questions {asked}, {len(turns) - plain} instructed")


def write_lines(path: Path, head: dict, name: str, rows: list[dict]) -> None:
    """JSON with a line for each row."""
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text("".join(["{", *(f"{json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items()), f'"{name}": [\n{lines}\n]}}\n']))


if __name__ == "__main__":
    main()
