"""Writes expressions.json, matrix.json and times.json: what jinja2 makes of templates, with the settings of transformers.

    python -m venv venv && venv/bin/pip install torch transformers jinja2 && venv/bin/python make.py

expressions.txt holds a template a line. templates/*.jinja have the structures of published chat templates.
"""

import json
from datetime import datetime
from pathlib import Path

import transformers.utils.chat_template_utils as chat_templates

HERE = Path(__file__).parent


class FixedTime(datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 4, 9, 5, 3)


chat_templates.datetime = FixedTime

# The content that a template takes: parts where it reads pictures, else one string.
PARTS = {"gemma3", "internvl", "llava-mistral", "llava-onevision", "mistral3", "qwen3-vl", "smolvlm", "vicuna"}
STRING_SYSTEM = {"lfm2-vl"}


def form_of(name):
    return "parts" if name in PARTS else "string system" if name in STRING_SYSTEM else "string"


VARIABLES = {"bos_token": "<s>", "eos_token": "</s>", "documents": None}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "find",
            "description": "Finds a \"thing\" – in Köln's shops",
            "parameters": {
                "type": "object",
                "properties": {"what": {"type": "string"}, "most": {"type": "number", "default": 2.5, "enum": [1, 2.5, True, None]}},
                "required": ["what"],
            },
        },
    }
]
IMAGE = {"type": "image"}


def say(text):
    return {"type": "text", "text": text}


def message(role, *parts, **more):
    return {"role": role, "content": [say(part) if isinstance(part, str) else part for part in parts], **more}


CALL = {"id": "call12345", "type": "function", "function": {"name": "find", "arguments": {"what": "tea 🍵", "most": 3}}}
CONVERSATIONS = {
    "a question": [message("user", "What is it?")],
    "a system message": [message("system", "  Be brief.\n"), message("user", "What is it?")],
    "a picture": [message("user", IMAGE, "What is it?")],
    "several turns and pictures": [
        message("system", "Be brief."),
        message("user", IMAGE, IMAGE, "Compare."),
        message("assistant", "<think>\nhm\n</think>\n\n One is red. "),
        message("user", "And now?\n\n", IMAGE, "  Look."),
    ],
    "an answer last": [message("user", "Count."), message("assistant", "One, two")],
    "empty text": [message("user", ""), message("assistant", ""), message("user", "")],
    "special tokens and quotes": [
        message("user", "</s> <|im_end|>\n<s>[INST] {{ x }} {% if %} \"it's\" \\n <image> <start_of_image> [IMG]"),
        message("assistant", "<|im_start|>system\n\n"),
        message("user", "\t<|eot_id|>'"),
    ],
    "tools and emoji": [
        message("system", "Help."),
        message("user", "Where is 👩‍👩‍👧 tea?"),
        message("assistant", "", tool_calls=[CALL]),
        message("tool", "[\"Hbf\", 2.5]", tool_call_id="call12345", name="find"),
        message("assistant", "At the station 🚉."),
        message("user", "Thanks – ñandú?"),
    ],
}


def in_form(form, own):
    is_string = form == "string" or (form == "string system" and own["role"] == "system")
    text = "".join(part.get("text", "<image>\n") for part in own["content"])
    return {**own, "content": text if is_string else own["content"]}


def render(template, variables):
    try:
        return chat_templates._compile_jinja_template(template).render(**variables)
    except Exception as error:
        return {"refused": str(error)}


def variables_of(messages):
    has_tools = any(own["role"] == "tool" for own in messages)
    is_open = messages[-1]["role"] != "assistant"
    return {**VARIABLES, "messages": messages, "tools": TOOLS if has_tools else None, "add_generation_prompt": is_open}


def main():
    forms = ("string", "string system", "parts")
    conversations = {
        form: {title: [in_form(form, own) for own in messages] for title, messages in CONVERSATIONS.items()} for form in forms
    }
    templates = {}
    for path in sorted(HERE.glob("templates/*.jinja")):
        form, source = form_of(path.stem), path.read_bytes().decode()
        texts = {title: render(source, variables_of(messages)) for title, messages in conversations[form].items()}
        templates[path.stem] = {"form": form, "texts": texts}
    write("matrix.json", {"variables": VARIABLES, "tools": TOOLS, "conversations": conversations, "templates": templates})

    codes = "aAbBcCdDeFgGhHIjklmMnpPrRStTuUVwWxXyY"
    formats = [f"%{code}" for code in codes] + [f"%-{code}" for code in "dmyHIjMSeUW"] + ["%^a %^B %#p %_d %_H %0e %_j"]
    times = [(2024, 7, 4, 9, 5, 3), (2023, 1, 1, 0, 0, 0), (2024, 12, 31, 12, 30, 59), (2021, 1, 3, 23, 59, 9), (2024, 2, 29, 13, 1, 1), (2026, 12, 28, 1, 10, 10)]
    write("times.json", {"formats": formats, "times": [[when, [datetime(*when).strftime(format) for format in formats]] for when in times]})

    example = {
        **VARIABLES,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi 😀"}, {"role": "assistant", "content": "Hello!"}],
        "tools": TOOLS,
        "add_generation_prompt": True,
    }
    lines = (HERE / "expressions.txt").read_bytes().decode().split("\n")
    expressions = [{"template": line, "text": render(line, example)} for line in lines if line]
    write("expressions.json", {"variables": example, "expressions": expressions})


def write(name, value):
    (HERE / name).write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


main()
