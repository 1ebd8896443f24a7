"""Whether an answer follows an instruction, after IFEval: strict, and loose (any of eight variants). Knows no pictures.

The evaluation in the browser has its own checker (eval/instruction-checks.ts), which a test holds against the verdicts of this
one; this one tells the training how it fares and tests the writer. Sentences are counted at runs of .!? before a blank or the end.
"""

import json
import re


def follows(task: dict, answer: str) -> bool:
    """Strict: the answer is not blank and the task's check passes."""
    return bool(answer.strip()) and _CHECKS[task["task"]](task, answer)


def follows_loosely(task: dict, answer: str) -> bool:
    """Any of: as is, without the first line, the last, both; each also without asterisks."""
    lines = answer.split("\n")
    variants = [answer] + ["\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1])]
    return any(follows(task, v) or follows(task, v.replace("*", "")) for v in variants)


def _compare(count: int, task: dict) -> bool:
    return count >= task["n"] if task["relation"] == "at least" else count < task["n"]


def _title_case(ch: str) -> bool:
    """One of the few letters that are capital and small at once, such as U+01C5."""
    return ch.istitle() and not ch.isupper()


def _postscript(task: dict, answer: str) -> bool:
    pattern = r"\s*p\.\s?p\.\s?s" if task["marker"] == "P.P.S" else r"\s*p\.\s?s\."
    return re.search(pattern, answer.lower()) is not None


def _title(task: dict, answer: str) -> bool:
    return any(found.strip("<> \t\r") for found in re.findall(r"<<[^\n]+>>", answer))


def _highlights(task: dict, answer: str) -> bool:
    single = [m for m in re.findall(r"\*([^\n*]*)\*", answer) if m.strip()]
    double = [m for m in re.findall(r"\*\*([^\n*]*)\*\*", answer) if m.strip()]
    return len(single) + len(double) >= task["n"]


def _json(task: dict, answer: str) -> bool:
    fenced = re.fullmatch(r"```(?:json)?(.*)```", answer.strip(), re.S | re.I)
    try:
        json.loads(fenced[1] if fenced else answer, parse_constant=lambda name: 1 / 0)
    except (ValueError, ZeroDivisionError):
        return False
    return True


def _sections(task: dict, answer: str) -> bool:
    return len(re.split(rf"\s?{re.escape(task['word'])}\s?\d+\s?", answer)) - 1 >= task["n"]


def _bullets(task: dict, answer: str) -> bool:
    return len(re.findall(r"^\s*\*[^*].*$", answer, re.M)) + len(re.findall(r"^\s*-.*$", answer, re.M)) == task["n"]


def _sentences(task: dict, answer: str) -> bool:
    return _compare(len([s for s in re.split(r"(?<=[.!?])\s+", answer.strip()) if s]), task)


def _two(task: dict, answer: str) -> bool:
    parts = [part.strip() for part in answer.split("******")]
    inner = parts[1 if not parts[0] else 0 : -1 if not parts[-1] else None]  # a separator at the start or end is ignored
    return len(inner) == 2 and all(inner) and inner[0] != inner[1]


def _start(task: dict, answer: str) -> bool:
    if task.get("quotes"):
        text = answer.strip()
        return len(text) > 1 and text[0] == '"' == text[-1]
    return any(line.strip().startswith(task["phrase"]) for line in answer.split("\n"))


_CHECKS = {
    1: lambda task, answer: "," not in answer,
    2: lambda task, answer: answer.islower() and not any(map(_title_case, answer)),
    3: lambda task, answer: answer.isupper() and not any(map(_title_case, answer)),
    4: lambda task, answer: len(re.findall(r"\[.*?\]", answer)) >= task["n"],
    5: _postscript,
    6: _title,
    7: lambda task, answer: all(word.lower() in answer.lower() for word in task["keywords"]),
    8: _highlights,
    9: _json,
    10: _sections,
    11: _bullets,
    12: _sentences,
    13: lambda task, answer: _compare(len(re.findall(r"\w+", answer)), task),
    14: _two,
    15: lambda task, answer: answer.strip().strip('"').lower().endswith(task["phrase"].strip().lower()),
    16: _start,
}
