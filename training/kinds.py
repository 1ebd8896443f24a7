"""What can stand in a scene: sixty emoji kinds in eight categories, backgrounds, places, and the held-out pairs.

Names only. How a scene is laid out is in scene.py, how it is drawn in draw.py, how it is talked about in questions.py.
"""

from typing import NamedTuple


class Kind(NamedTuple):
    name: str
    plural: str
    category: str  # plural noun, as in "which animals"
    emoji: str


_TABLE = {
    "animals": "dog🐶 cat🐱 frog🐸 pig🐷 monkey🐵 penguin🐧 elephant🐘 turtle🐢 octopus🐙 butterfly🦋 whale🐳 lion🦁",
    "fruits": "apple🍎 banana🍌 strawberry🍓 pineapple🍍 melon🍉 orange🍊 lemon🍋 pear🍐",
    "vehicles": "car🚗 bus🚌 bicycle🚲 airplane✈ rocket🚀 train🚂 boat⛵ helicopter🚁 tractor🚜",
    "foods": "pizza🍕 burger🍔 donut🍩 cake🎂 cookie🍪 taco🌮 pretzel🥨 egg🍳",
    "clothes": "shirt👕 dress👗 shoe👟 hat🎩 sock🧦 glove🧤 cap🧢",
    "instruments": "guitar🎸 trumpet🎺 violin🎻 drum🥁 piano🎹",
    "plants": "cactus🌵 sunflower🌻 tree🌲 rose🌹 clover🍀",
    "tools": "hammer🔨 wrench🔧 axe🪓 key🔑 magnet🧲 broom🧹",
}
_PLURALS = {"octopus": "octopuses", "butterfly": "butterflies", "strawberry": "strawberries", "bus": "buses",
            "dress": "dresses", "cactus": "cactuses", "wrench": "wrenches"}


def _kinds() -> list[Kind]:
    kinds = []
    for category, row in _TABLE.items():
        for cell in row.split():
            name = "".join(ch for ch in cell if ch.isascii())
            kinds.append(Kind(name, _PLURALS.get(name, name + "s"), category, cell[len(name):]))
    return kinds


KINDS = _kinds()
CATEGORIES = list(_TABLE)
CATEGORY_OF = [CATEGORIES.index(kind.category) for kind in KINDS]
NO_KIND = len(KINDS)  # class of a background patch, and of "no neighbour"
BACKGROUNDS = ["sky", "grass", "water", "sand", "night", "room", "gradient", "noise"]
PLACES = ["in the top left", "at the top", "in the top right", "on the left", "in the middle", "on the right",
          "in the bottom left", "at the bottom", "in the bottom right"]
NUMBERS = ["no", "one", "two", "three", "four", "five"]
MAX_OBJECTS = 5


def held_out_pair(a: int, b: int) -> bool:
    """Whether two kinds never meet in a training scene (about one pair in twelve)."""
    low, high = min(a, b), max(a, b)
    return low != high and (low * 7919 + high * 104729) % 12 == 0


def with_article(name: str) -> str:
    return ("an " if name[0] in "aeiou" else "a ") + name


def counted(kind: int, count: int) -> str:
    """"a dog", "three dogs", "no dogs"."""
    item = KINDS[kind]
    return with_article(item.name) if count == 1 else f"{NUMBERS[count]} {item.plural}"
