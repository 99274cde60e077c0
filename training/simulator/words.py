"""Words that companies, nicknames and throw-away domains are put together from."""

from __future__ import annotations

from random import Random


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_TRADES = _split(
    "ceramics studio design bakery legal dental travel media print garden solar yoga coffee bikes craft music photo "
    "tiles sport foods optics cloud data labs works group tech home kids pets wine auto clinic academy market"
)
_NICKS = _split(
    "sunny happy lucky blue silver crazy little mister lady tiger wolf panda dragon rocker gamer runner surfer baker "
    "angel queen king moon star river storm pixel ninja cookie peanut bunny eagle shadow"
)
_SOUNDS = _split(
    "ba be bi bo da do fa fi ga go ka ke ko la le lo lu ma me mi mo na ne no pa po ra re ri ro sa se so ta te to va vi "
    "vo xa za ze"
)
_ENDINGS = ("", "", "n", "r", "x", "ra", "ly", "io", "sis", "tor", "via", "lux")
_CONSONANT_SETS = ("bcdfghjklmnpqrstvwxz", "aeiou")


def brand(random: Random) -> str:
    """An invented word that could be a brand: ``kelora``, ``mavisis``."""
    return "".join(random.choices(_SOUNDS, k=random.randint(2, 3))) + random.choice(_ENDINGS)


def trade(random: Random) -> str:
    """A word for what a small company does."""
    return random.choice(_TRADES)


def nick(random: Random) -> str:
    """A nickname of one or two words."""
    return "".join(random.choices(_NICKS, k=random.randint(1, 2)))


def letters(random: Random, low: int, high: int, digits: float = 0.0) -> str:
    """Random letters, each replaced by a digit with the probability given."""
    size = random.randint(low, high)
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    return "".join(
        random.choice("0123456789") if random.random() < digits else random.choice(alphabet) for _ in range(size)
    )


def spoken(random: Random, low: int, high: int) -> str:
    """Letters that alternate consonants and vowels, as better generators write them."""
    size = random.randint(low, high)
    return "".join(random.choice(_CONSONANT_SETS[index % 2]) for index in range(size))
