"""What the judges of this side say about right, wrong and damaged answers: cases that any other judge must agree on. Judges nothing
itself (questions.py, checks.py)."""

import re
from typing import Iterator

import numpy as np

from checks import follows, follows_loosely
from dialogue import Turn
from questions import CLOSED, judge

ODD = ["", " \n", "Yes.", "NO", "No, there is no dog.", "one dog", "1 dog, 2 cats", "in the top-left corner", "It's a dog's cat_hat.", "ﬁve DOGS",
       "* a dog\n* a cat", "- a dog\n- a cat", "---", "***", "**bold**", "*a* *b* **c**", "[name] [date]", "P.S. Yes.", "P.P.S Yes", "<<A title>>\nYes.",
       "<< >>", "Section 1\nYes.\nSection 2\nNo.", "SECTION 1 Yes. SECTION 2 No.", '{"answer": "Yes."}', '```json\n["Yes."]\n```', "NaN", "3", '"Yes."', "“Yes.”",
       "Yes. ****** No.", "****** Yes. ****** No. ******", "Yes. ****** Yes.", "a ****** b ****** c", "Yes.\r\nNo.\r\n", "xx,x. xx,x! xx/x. x{x}x?",
       "One. Two. Three. Four. Five."]


def damaged(rng: np.random.Generator, answer: str) -> Iterator[str]:
    """The answer with something missing, something added, or another case."""
    words = answer.split(" ")
    place = int(rng.integers(len(words)))
    yield " ".join(words[:place] + words[place + 1 :])
    closed = CLOSED[list(CLOSED)[int(rng.integers(len(CLOSED)))]]
    yield " ".join(words[:place] + [closed[int(rng.integers(len(closed)))]] + words[place:])
    yield [answer.upper(), answer.lower(), answer.title(), f"Sure:\n{answer}", f"{answer}\nBye", re.sub(r"[^\w\s]", "", answer)][int(rng.integers(6))]


def verdicts(turns: list[Turn]) -> list[dict]:
    """For every third question: its answer, damaged ones, one to another question, and an odd one."""
    rng = np.random.default_rng(0)
    cases = []
    for turn in turns[::3]:
        other = turns[int(rng.integers(len(turns)))]
        for answer in [turn.answer, *damaged(rng, turn.answer), other.answer, ODD[int(rng.integers(len(ODD)))]]:
            question = turn.question
            case = {"answer": answer, "need": question.need, "only": question.only, "allow": question.allow, "right": judge(question, answer)}
            if turn.task is not None:
                case = {"answer": answer, "task": turn.task, "strict": follows(turn.task, answer), "loose": follows_loosely(turn.task, answer)}
            cases.append(case)
    return cases
