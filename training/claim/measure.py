"""Asks the 16 tasks (and plain questions) under settings, greedily, stores answers as JSON lines and prints the table.

python training/claim/measure.py [--settings caption,full] [--ways example] [--pictures 100] [--tasks 1,4,5] [--projector FILE]
    [--out FILE] [--questions] [--report] [--exact]
Stored answers are never asked again. Settings: reductions.py; ways: tasks.py. `--questions` asks the evaluation set's plain
questions instead of the tasks. `--report` asks nothing. `--exact`: the language model in float32 in place of bfloat16.
"""

import argparse
import hashlib
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from torch import Tensor

from projector import HERE, frozen_encoder

import questions
from checks import follows, follows_loosely
from draw import draw
from evaluate import read_safetensors
from questions import Question, judge
from scene import EVAL_SEED, make_scene
from vision import SIDE

from conversation import Tokens, caption, closing, opening
from language import Inhibition, Language, Prefix
from reductions import MAX_RATIO, Setting, parse, picture_tokens
from tasks import LIMITS, TASKS, make_item, prompt

BATCH = 100
SET = HERE.parent.parent / "eval/set/eval.json"
BY_ACCIDENT = (12, 13)  # tasks that a short answer passes unasked


class Asker:
    """Model, projector and pictures; answers prompts under a setting."""

    def __init__(self, projector: Path | None, dtype: torch.dtype = torch.bfloat16) -> None:
        self.tokens, self.language, self.encoder = Tokens(), Language(dtype), frozen_encoder()
        self.projector = read_safetensors(projector) if projector else {}
        self.pixels: dict[int, Tensor] = {}
        self.prefixes: dict[str, Prefix] = {}

    def rows(self, setting: Setting, pictures: list[int]) -> list[Tensor]:
        """What stands at the picture's place, [N, C] each."""
        if setting.method == "caption":
            return [self.text(caption(make_scene(EVAL_SEED + picture))) for picture in pictures]
        if setting.method == "noise":
            spread = float(self.language.exact.std())
            return [torch.randn(setting.tokens, self.language.width, generator=torch.Generator().manual_seed(p)) * spread for p in pictures]
        for picture in pictures:
            if picture not in self.pixels:
                self.pixels[picture] = torch.from_numpy(draw(make_scene(EVAL_SEED + picture), SIDE)[0].transpose(2, 0, 1).copy())
        return list(picture_tokens(setting, self.encoder, self.projector, torch.stack([self.pixels[p] for p in pictures])))

    def text(self, text: str) -> Tensor:
        return self.language.embed(torch.tensor(self.tokens.encode(text)))

    def ask(self, setting: Setting, before: list[str], pictures: list[int], after: list[str], limit: int) -> list[str]:
        """Answers to prompts, each with its text before the picture and after it."""
        for text in before:
            if text not in self.prefixes:
                self.prefixes[text] = self.language.read(self.tokens.encode(text))
        prefixes, seen = [self.prefixes[text] for text in before], self.rows(setting, pictures)
        if setting.method == "caption":  # the text after may join the caption's last piece
            rows = [self.text(caption(make_scene(EVAL_SEED + p)) + text) for p, text in zip(pictures, after)]
        else:
            rows = [torch.cat([row, self.text(text)]) for row, text in zip(seen, after)]
        start = max(prefix.rows for prefix in prefixes)
        inhibition = Inhibition(start, start + seen[0].shape[0], MAX_RATIO) if setting.inhibited else None
        return [self.tokens.decode(ids) for ids in self.language.answer(prefixes, rows, limit, inhibition)]


class Answers:
    """JSON lines by (projector, setting, way, picture, task or question). `pack` writes them with one line a task or topic, whose
    lists and strings of 0 and 1 hold a place for each answer; both forms are read."""

    JUDGED = ("strict", "loose", "right")

    def __init__(self, file: Path) -> None:
        self.file = file
        read = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        self.lines = [line for one in read for line in (self._unpacked(one) if isinstance(one["answer"], list) else [one])]
        self.known = {self.key(line) for line in self.lines}

    @staticmethod
    def key(line: dict) -> tuple:
        return (line["model"], line["setting"], line["way"], line["picture"], line["number"])

    def add(self, line: dict) -> None:
        self.lines.append(line)
        self.known.add(self.key(line))
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def _unpacked(self, one: dict) -> list[dict]:
        count, judged = len(one["answer"]), [name for name in self.JUDGED if name in one]
        lists = {name: [mark == "1" for mark in one[name]] if name in judged else value for name, value in one.items()}
        return [{name: value[i] if isinstance(value, list) else value for name, value in lists.items()} for i in range(count)]

    def pack(self, file: Path) -> None:
        groups: dict[tuple, list[dict]] = {}
        for line in self.lines:
            groups.setdefault((line["setting"], line["way"], line["model"], line.get("topic") or line["number"]), []).append(line)
        out = []
        for found in groups.values():
            found.sort(key=self.key)
            one = {}
            for name in found[0]:
                values = [line[name] for line in found]
                same = name in ("model", "setting", "way", "topic") or (name == "number" and "topic" not in found[0])
                one[name] = values[0] if same else "".join("01"[v] for v in values) if name in self.JUDGED else values
            out.append(json.dumps(one, ensure_ascii=False, separators=(",", ":")))
        file.write_text("\n".join(out) + "\n")


def ask_tasks(asker: Asker, answers: Answers, model: str, setting_name: str, way: str, pictures: int, tasks: list[int]) -> None:
    setting = parse(setting_name)
    model = "" if setting.method in ("caption", "noise") else model
    todo = [make_item(picture, task) for task in tasks for picture in range(pictures)  # a batch of one task ends together
            if (model, setting_name, way, picture, task) not in answers.known]
    start = time.time()
    for at in range(0, len(todo), BATCH):
        part = todo[at : at + BATCH]
        texts = [prompt(item, way) for item in part]
        said = asker.ask(setting, [text[0] for text in texts], [item.picture for item in part], [text[1] for text in texts], LIMITS[way])
        for item, text in zip(part, said):
            answers.add({"model": model, "setting": setting_name, "way": way, "picture": item.picture, "number": item.task["task"],
                         "answer": text, "strict": follows(item.task, text), "loose": follows_loosely(item.task, text),
                         "right": judge(item.question, text)})
        done = at + len(part)
        print(f"{setting_name} {way}: {done} of {len(todo)}, {done / (time.time() - start):.2f} a second", flush=True)


def ask_questions(asker: Asker, answers: Answers, model: str, setting_name: str, pictures: int) -> None:
    """The plain questions of the evaluation set, without an example; judged by content."""
    setting, data = parse(setting_name), json.loads(SET.read_text())
    questions.CLOSED.update(data["closed"])
    model = "" if setting.method in ("caption", "noise") else model
    todo = [(p, n, q) for p, item in enumerate(data["items"][:pictures]) for n, q in enumerate(item["questions"])
            if q["task"] is None and (model, setting_name, "question", p, n) not in answers.known]
    for at in range(0, len(todo), BATCH):
        part = todo[at : at + BATCH]
        said = asker.ask(setting, [opening()] * len(part), [p for p, _, _ in part], [closing(q["prompt"]) for _, _, q in part], 48)
        for (p, n, q), text in zip(part, said):
            right = judge(Question(q["topic"], q["prompt"], [], q["need"], q["only"], [], q["allow"]), text)
            answers.add({"model": model, "setting": setting_name, "way": "question", "picture": p, "number": n, "topic": q["topic"],
                         "answer": text, "right": right})
        print(f"{setting_name} questions: {at + len(part)} of {len(todo)}", flush=True)


def share(values: list[bool]) -> str:
    mean = float(np.mean(values))
    return f"{100 * mean:.1f} ± {100 * (mean * (1 - mean) / len(values)) ** 0.5:.1f}"


def percents(cells: list[list[bool]]) -> str:
    return " | ".join(f"{100 * np.mean(cell):.0f}" if cell else "" for cell in cells)


def paired(found: dict[tuple, dict], base: dict[tuple, dict], kind: str) -> str:
    """Mean difference in points over the items that both have, its standard error, and how many items."""
    both = [found[key][kind] - base[key][kind] for key in found if key in base]
    if found is base or len(both) < 2:
        return ""
    return f"{100 * np.mean(both):+.1f} ± {100 * np.std(both, ddof=1) / len(both) ** 0.5:.1f} ({len(both)})"


def report(answers: Answers, model: str, pictures: int) -> str:
    """Markdown: success by setting and way with standard errors, differences of pairs from the caption and from all image
    tokens, and by task; of the first `pictures` pictures."""
    lines = [line for line in answers.lines if line["model"] in ("", model) and line["picture"] < pictures]
    ways = sorted({line["way"] for line in lines if line["way"] != "question"}, key=list(LIMITS).index)
    out = ["| setting | way | answers | strict % | loose % | strict without 12, 13 | content right % | words | strict less caption, same items "
           "| strict less full | content less full |",
           "|---|---|---|---|---|---|---|---|---|---|---|"]
    by_task = []
    for way in ways:
        rows = {}
        for line in lines:
            if line["way"] == way:
                rows.setdefault(line["setting"], {})[line["picture"], line["number"]] = line
        caption_rows, full_rows = rows.get("caption", {}), rows.get("full", {})
        for name, found in rows.items():
            differences = [paired(found, caption_rows, "strict"), paired(found, full_rows, "strict"), paired(found, full_rows, "right")]
            every = list(found.values())
            other = [line["strict"] for line in every if line["number"] not in BY_ACCIDENT]
            strict, loose, right = (share([line[kind] for line in every]) for kind in ("strict", "loose", "right"))
            words = float(np.mean([len(line["answer"].split()) for line in every]))
            cells = [str(len(every)), strict, loose, share(other) if other else "", right, f"{words:.1f}", *differences]
            out.append(f"| {name} | {way} | {' | '.join(cells)} |")
            cells = [[line["strict"] for line in every if line["number"] == task] for task in TASKS]
            by_task.append(f"| {name} | {way} | {percents(cells)} |")
    asked: dict[str, list] = {}
    for line in lines:
        if line["way"] == "question":
            asked.setdefault(line["setting"], []).append(line)
    topics = sorted({line["topic"] for found in asked.values() for line in found})
    out += ["", f"| task | | {' | '.join(map(str, TASKS))} |", "|---|---|" + "---|" * len(TASKS), *by_task]
    if asked:
        out += ["", f"| questions | answers | right % | {' | '.join(topics)} |", "|---|---|---|" + "---|" * len(topics)]
        for name, found in asked.items():
            cells = [[line["right"] for line in found if line["topic"] == topic] for topic in topics]
            right = share([line["right"] for line in found])
            out.append(f"| {name} | {len(found)} | {right} | {percents(cells)} |")
    return "\n".join(out)


def main() -> None:
    parser = argparse.ArgumentParser()
    runs = Path(os.environ.get("FOVEA_CLAIM", Path.home() / ".cache/fovea-claim"))
    parser.add_argument("--settings", default="caption,full")
    parser.add_argument("--ways", default="example")
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--tasks", default=",".join(map(str, TASKS)))
    parser.add_argument("--projector", type=Path, default=HERE / "projector.safetensors")
    parser.add_argument("--out", type=Path, default=runs / "answers.jsonl")
    parser.add_argument("--questions", action="store_true")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--pack", type=Path, help="write all stored answers into this file, a line a task")
    args = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 1)))
    projector = args.projector if args.projector.exists() else None
    model = hashlib.sha256(projector.read_bytes()).hexdigest()[:12] if projector else ""
    answers = Answers(args.out)
    if not args.report:
        for ways, name in ((args.ways.split(","), name) for name in args.settings.split(",")):
            for way in ways:
                if way not in LIMITS:
                    raise SystemExit(f'way "{way}" is none of {", ".join(LIMITS)}')
            if parse(name).method not in ("caption", "noise") and projector is None:
                raise SystemExit(f"{args.projector} is missing: setting {name} needs a trained projector")
        asker = Asker(projector, torch.float32 if args.exact else torch.bfloat16)
        for name in args.settings.split(","):
            if args.questions:
                ask_questions(asker, answers, model, name, args.pictures)
            for way in [] if args.questions else args.ways.split(","):
                ask_tasks(asker, answers, model, name, way, args.pictures, [int(task) for task in args.tasks.split(",")])
    if args.pack:
        answers.pack(args.pack)
    print(report(answers, model, args.pictures))


if __name__ == "__main__":
    main()
