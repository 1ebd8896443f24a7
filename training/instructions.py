"""The sixteen verifiable instructions: wordings, arguments, and how an answer is made to follow them. Checks are in checks.py.

An instruction is {"task": 1..16, ...arguments}. `write` turns whole-sentence answers into one that obeys. HELD_OUT wordings
are for evaluation only. Slots: {n} a number, {w} the arguments as listed, {s} a phrase or a section word.
"""

import json

import numpy as np

from wordings import FILLERS, PHRASES, SYLLABLES, WORDS

TRAINED = {
    "1": ["Do not use commas.", "Use no commas.", "Avoid commas.", "Answer without commas.", "Your answer must have no commas.",
          "Leave out all commas.", "No commas please.", "Write without any commas."],
    "2": ["Answer in lowercase.", "Use only lowercase letters.", "Write in small letters.", "No capital letters please.",
          "Your answer must be in lowercase.", "Use no capital letters.", "Write everything in lowercase.", "All letters must be lowercase."],
    "3": ["Answer in uppercase.", "Use only capital letters.", "Write in capital letters.", "No lowercase letters please.",
          "Your answer must be in uppercase.", "Use all capital letters.", "Write everything in uppercase.", "All letters must be uppercase."],
    "4": ["Use at least {n} placeholders such as [name].", "Add {n} placeholders in square brackets.", "Include at least {n} placeholders like [name].",
          "Your answer must have at least {n} placeholders in brackets.", "Put {n} placeholders in square brackets.",
          "Write at least {n} placeholders such as [date].", "Give {n} placeholders in brackets.", "Answer with at least {n} placeholders."],
    "5": ["Add a postscript starting with {s}", "End with a postscript that starts with {s}", "At the end add a postscript with {s}",
          "Write a postscript starting with {s}", "Include a postscript marked {s}", "Your answer must have a postscript with {s}",
          "Finish with a postscript marked {s}", "Put a postscript at the end with {s}"],
    "6": ["Add a title in double angle brackets.", "Give it a title such as <<title>>.", "Start with a title in double angle brackets.",
          "Your answer must have a title such as <<title>>.", "Include a title wrapped in << and >>.", "Write a title in double angle brackets.",
          "Put a title like <<title>> first.", "Answer with a title in << and >>."],
    "7": ["Use the words {w}.", "Include the words {w}.", "Include the keywords {w}.", "Your answer must have the words {w}.",
          "Add the keywords {w}.", "Make use of the words {w}.", "Put in the words {w}.", "Answer with the keywords {w}."],
    "8": ["Highlight at least {n} words with *stars*.", "Highlight {n} parts like *this*.", "Mark at least {n} words with *stars*.",
          "Use *stars* to highlight at least {n} words.", "Your answer must have {n} highlighted words like *this*.",
          "Highlight at least {n} sections such as *part*.", "Put stars around {n} words like *this*.", "Include {n} highlights like *this*."],
    "9": ["Answer in JSON.", "Use JSON format.", "Write the answer as JSON.", "Wrap the answer in JSON.", "Your answer must be JSON.",
          "Give the answer in JSON format.", "Put everything into JSON.", "Make it a JSON object."],
    "10": ["Write {n} sections marked {s} 1 and so on.", "Use {n} sections that start with {s} and a number.", "Your answer must have {n} sections marked {s} X.",
           "Split the answer into {n} sections marked {s} 1, {s} 2.", "Make {n} sections. Mark each with {s} and a number.",
           "Answer in {n} sections, each with {s} and a number.", "Give {n} sections, starting with {s} 1.", "Divide it into {n} sections marked {s} X."],
    "11": ["Use exactly {n} bullet points.", "Answer with {n} bullet points.", "Write exactly {n} bullets.", "Your answer must have {n} bullet points.",
           "Give {n} bullet points like * this.", "Make a list of exactly {n} bullets.", "Put it in {n} bullet points.", "Include exactly {n} bullet points."],
    "12": ["Use {s} {n} sentences.", "Answer with {s} {n} sentences.", "Write {s} {n} sentences.", "Your answer must have {s} {n} sentences.",
           "Give {s} {n} sentences.", "The answer should have {s} {n} sentences.", "Make it {s} {n} sentences.", "Say it in {s} {n} sentences."],
    "13": ["Use {s} {n} words.", "Answer with {s} {n} words.", "Write {s} {n} words.", "Your answer must have {s} {n} words.",
           "Give {s} {n} words.", "The answer should have {s} {n} words.", "Make it {s} {n} words long.", "Say it in {s} {n} words."],
    "14": ["Give two answers separated by ******.", "Write two different answers with ****** between them.", "Give two different responses separated by ******.",
           "Answer twice with ****** between.", "Your answer must be two responses separated by ******.", "Put ****** between two different answers.",
           "Respond in two ways separated by ******.", "Make two responses with ****** between them."],
    "15": ["End with: {s}", "Finish with the phrase: {s}", "End your answer with: {s}", "Your answer must end with: {s}",
           "The last words must be: {s}", "Close with the words: {s}", "Finish your answer with: {s}", "Use this phrase at the end: {s}"],
    "16": ["Start with: {s}", "Begin with the phrase: {s}", "Start your answer with: {s}", "Your answer must start with: {s}",
           "The first words must be: {s}", "Open with the words: {s}", "Begin your answer with: {s}", "Use this phrase at the start: {s}"],
    "quotes": ["Wrap the answer in double quotes.", "Put your answer in double quotes.", "Use double quotes around the answer.", "Answer in quotes.",
               "Your answer must be in double quotes.", "Put quotes around everything.", "Write the answer in double quotes.", "Quote the whole answer."],
}
HELD_OUT = {
    "1": ["Please use no commas.", "Your answer must not have commas."],
    "2": ["Please answer in lowercase.", "Write only small letters."],
    "3": ["Please answer in uppercase.", "Write only capital letters."],
    "4": ["Your answer must include {n} placeholders such as [name].", "Write {n} placeholders in square brackets."],
    "5": ["Your answer must end with a postscript starting with {s}", "Include a postscript that starts with {s}"],
    "6": ["Your answer must start with a title such as <<title>>.", "Include a title in double angle brackets."],
    "7": ["Your answer must include the words {w}.", "Answer with the words {w}."],
    "8": ["Include at least {n} words in *stars*.", "Highlight at least {n} words like *this*."],
    "9": ["Please answer in JSON format.", "Write it in JSON."],
    "10": ["Answer with {n} sections marked {s} 1 and so on.", "Give {n} sections that start with {s} and a number."],
    "11": ["Give exactly {n} bullet points.", "Write it in {n} bullet points."],
    "12": ["Please use {s} {n} sentences.", "The answer must have {s} {n} sentences."],
    "13": ["Please use {s} {n} words.", "The answer must have {s} {n} words."],
    "14": ["Give two responses with ****** between them.", "Write two answers separated by ******."],
    "15": ["Please end with: {s}", "Your last words must be: {s}"],
    "16": ["Please start with: {s}", "Your first words must be: {s}"],
    "quotes": ["Put the answer in quotes.", "Use double quotes around everything."],
}
TITLES = ["The picture", "My answer", "What I see"]
SECTION_WORDS = ["Section", "SECTION", "Part", "Chapter", "Day"]
POSTSCRIPTS = ["P.S.", "P.P.S"]
MARKS = ["[name]", "[date]", "[place]", "[time]"]
DIGITS = {1: "one", 2: "two", 3: "three", 4: "four"}


def draw_instruction(rng: np.random.Generator, answers: list[str], held_out: bool) -> tuple[dict, str]:
    """An instruction that the answers can be made to follow, and its wording."""
    name = str(int(rng.integers(1, 17)))
    if name == "16" and rng.random() < 0.4:
        name = "quotes"
    task: dict = {"task": 16 if name == "quotes" else int(name)}
    slots = {"n": "", "w": "", "s": ""}
    if name in ("4", "8", "10", "11"):
        task["n"] = int(rng.integers({"8": 1, "10": 2}.get(name, 1), {"8": 4}.get(name, 5)))
        if name == "10":
            task["word"] = slots["s"] = _pick(rng, SECTION_WORDS)
    elif name == "5":
        task["marker"] = slots["s"] = _pick(rng, POSTSCRIPTS)
    elif name == "7":
        task["keywords"] = [_word(rng) for _ in range(int(rng.integers(1, 4)))]
        slots["w"] = " and ".join(filter(None, [", ".join(task["keywords"][:-1]), task["keywords"][-1]]))
    elif name in ("12", "13"):
        task["relation"] = _pick(rng, ["at least", "less than"])
        sentences, words = max(a.count(".") for a in answers), max(len(a.split()) for a in answers)
        if name == "12":
            task["n"] = int(rng.integers(2, 5) if task["relation"] == "at least" else rng.integers(sentences + 1, 5))
        else:
            task["n"] = int(_pick(rng, [5, 8, 10, 12, 15, 20] if task["relation"] == "at least" else [n for n in (10, 12, 15, 20, 30, 40) if n > words]))
        slots["s"] = _pick(rng, ["at least"] if task["relation"] == "at least" else ["less than", "fewer than"])
    elif name in ("15", "16"):
        task["phrase"] = slots["s"] = _phrase(rng)
    elif name == "quotes":
        task["quotes"] = True
    if "n" in task:
        slots["n"] = DIGITS[task["n"]] if task["n"] in DIGITS and rng.random() < 0.5 else str(task["n"])
    return task, _pick(rng, (HELD_OUT if held_out else TRAINED)[name]).format(**slots)


def write(rng: np.random.Generator, task: dict, answers: list[str]) -> str:
    """An answer that follows the instruction, built from one of the answers (for task 14 from two)."""
    base = _pick(rng, answers)
    match task["task"]:
        case 2: return base.lower()
        case 3: return base.upper()
        case 4: return f"{base} {' '.join(MARKS[: task['n']])}"
        case 5: return f"{base} {task['marker']} {_pick(rng, FILLERS)}"
        case 6: return f"<<{_pick(rng, TITLES)}>> {base}"
        case 7: return f"{base} Words: {', '.join(task['keywords'])}."
        case 8: return " ".join([f"*{w}*" for w in base.split()[: task["n"]]] + base.split()[task["n"] :])
        case 9: return json.dumps({"answer": base})
        case 10: return "\n".join(f"{task['word']} {i + 1}\n{text}" for i, text in enumerate(([base] + FILLERS)[: task["n"]]))
        case 11: return "\n".join(f"* {text}" for text in ([base] + FILLERS)[: task["n"]])
        case 12: return " ".join([base] + (FILLERS[: task["n"] - 1] if task["relation"] == "at least" else []))
        case 13: return " ".join([base] + (FILLERS[: -(-task["n"] // 5)] if task["relation"] == "at least" else []))
        case 14: return f"{base} ****** {_pick(rng, [a for a in answers if a != base])}"
        case 15: return f"{base} {task['phrase']}"
        case 16: return f'"{base}"' if task.get("quotes") else f"{task['phrase']} {base}"
    return base  # task 1: the answers were written without commas


def _pick(rng: np.random.Generator, options: list):
    return options[int(rng.integers(len(options)))]


def _word(rng: np.random.Generator) -> str:
    if rng.random() < 0.15:  # words of no language: copying must not depend on knowing the word
        return "".join(_pick(rng, SYLLABLES) for _ in range(int(rng.integers(2, 4))))
    return _pick(rng, WORDS)


def _phrase(rng: np.random.Generator) -> str:
    phrase = _pick(rng, PHRASES)
    if rng.random() < 0.4:
        phrase = " ".join(_word(rng) for _ in range(int(rng.integers(2, 5)))).capitalize()
    return phrase + (_pick(rng, [".", "!", ""]) if rng.random() < 0.7 else "")
