"""Sources that are asked after the answer, and the ways in which they turn out to be wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

Source = Literal["dns", "rdap", "blocklists"]
ResolverDoubt = Literal[
    "silent", "failing", "nothing_exists", "everything_exists", "inside_addresses", "names_missing", "texts_missing"
]
RegistryDoubt = Literal["knows_nothing"]
BlocklistDoubt = Literal["refuses", "lists_everything"]
Doubt = ResolverDoubt | RegistryDoubt | BlocklistDoubt
#: Told when answers of a source begin to be doubted, by what is wrong, and when they are believed again (``None``); and
#: for how many seconds back that holds of what DNS said (0: of nothing).
Tell = Callable[[Source, Doubt | None, float], None]

#: Doubts by which not even what a resolver has is believed, since it has what does not exist.
INVENTING: Final = frozenset[ResolverDoubt | None]({"everything_exists", "inside_addresses"})

#: What of an answer of DNS can be doubted: that something is not there, that a name has no TXT record, what there is.
Part = Literal["absence", "texts", "records"]


def doubtful(doubt: Doubt | None) -> frozenset[Part]:
    """What is not believed of a resolver for a doubt. A resolver that only says nothing has said nothing false."""
    if doubt in (None, "silent", "failing"):
        return frozenset()
    if doubt == "texts_missing":
        return frozenset({"texts"})
    return frozenset({"absence", "texts", "records"} if doubt in INVENTING else {"absence", "texts"})


#: What is wrong with a source, in words for the operator.
DOUBTS: Final[Mapping[Source, Mapping[str, str]]] = {
    "dns": {
        "silent": "it does not answer",
        "failing": "it refuses or fails",
        "nothing_exists": "names that always exist do not exist for it",
        "everything_exists": "a name that does not exist has records",
        "inside_addresses": "public names have inside addresses",
        "names_missing": "suddenly many domains do not exist, large ones among them",
        "texts_missing": "names that always have TXT records have none",
    },
    "rdap": {"knows_nothing": "a registry knows no domain at all"},
    "blocklists": {
        "refuses": "one does not serve this resolver",
        "lists_everything": "one lists everything",
    },
}
