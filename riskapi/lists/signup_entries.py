"""The entries that name a signup, asked for in a trip that is made anyway, and of those kinds alone of which there are
entries: most stores have entries of few kinds or none, and all kinds together are forty names.

The table tells of these kinds in a field of its own, :data:`FIELD`: ``<generation> <number of its other fields> <kinds,
a space after each><sign>``. Every script that writes the table keeps it in the same step as the entry. A signup asks
for it together with the entries: where it tells of a kind that was not asked for, everything is asked for.

Earlier releases do not keep it. Where one wrote, the number is not that of the table any more. The next script that
writes finds that, and so does each process twice a second: it takes the field away, or begins a new generation, whose
sign is ``?``. Everything is asked for then, until a process has read the kinds of all entries and made the sign ``+``.
Each process reads them once before it believes any such field, for numbers can be equal by accident.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence

from riskapi.lists.entries import INDEX, TABLE
from riskapi.lists.matching import KINDS, AskedFields, Listed, asked, found
from riskapi.store.connections import Store
from riskapi.store.pipelines import Pipeline, as_it_is
from riskapi.store.redis_socket import Argument, Framed
from signals.facts import Facts
from signals.records import record

#: The field that tells of kinds. Entries stand under names with a colon.
FIELD = "kinds"
_TOLD = re.compile(rb"(\w+) \d+ ([\w ]*)([+?])")
#: Entries of the index read in one trip.
_PAGE = 1000


@record
class _Kinds:
    """What the table tells: the field as it stands, its generation, the kinds, and whether these are ``all``."""

    said: bytes
    generation: str
    kinds: frozenset[str]
    all: bool


def _read(said: bytes | None) -> _Kinds | None:
    """What the field tells; None where there is none, or one that cannot be read."""
    told = _TOLD.fullmatch(said or b"")
    if said is None or told is None:
        return None
    return _Kinds(said, told[1].decode(), frozenset(told[2].decode().split()), told[3] == b"+")


class SignupEntries:
    """Finds the entries that name a signup. One for a process; safe for threads.

    Until :meth:`look` was called everything is asked for.
    """

    def __init__(self, store: Store) -> None:
        self._store, self._kinds = store, store.script("list_kinds")
        #: What the table told last; None: everything is asked for.
        self._known: _Kinds | None = None
        self._has_read_all = False

    def queue(
        self, pipe: Pipeline, user_id: str, facts: Facts, keys: Mapping[str, str]
    ) -> Callable[[float], tuple[Listed, ...]]:
        """Ask in a pipeline for the entries that name a signup; call the result with a Unix time for those that have
        not expired then, whichever decides first.

        ``keys`` as of :func:`riskapi.lists.matching.candidates`. Where there are entries of a kind that this process
        did not know of, that call is one more trip, and raises :class:`riskapi.errors.StoreUnavailable`.
        """
        known = self._known  # once: other threads change it
        if known is None:
            names = asked(user_id, facts, keys)
            told = pipe.ask("HMGET", TABLE, *_arguments(names), read=as_it_is)
            return lambda now: found(names, told(), now)
        some = asked(user_id, facts, keys, known.kinds)
        replied = pipe.ask("HMGET", TABLE, FIELD, *_arguments(some), read=as_it_is)

        def read(now: float) -> tuple[Listed, ...]:
            said, *values = replied()
            if said == known.said or self._is_covered(said, known):
                return found(some, values, now)
            names = asked(user_id, facts, keys).names
            return found(names, self._store.execute("HMGET", TABLE, *names), now)

        return read

    def _is_covered(self, said: bytes | None, known: _Kinds) -> bool:
        """Whether what the table tells by now was all asked for by what was known; also takes it over."""
        told = _read(said)
        self._known = told if told is not None and told.all else None
        return self._known is not None and self._known.kinds <= known.kinds

    def look(self) -> None:
        """See that the table tells of its kinds and that nobody wrote it who does not keep that; else begin it anew.

        Raises :class:`riskapi.errors.StoreUnavailable`.
        """
        try:
            self._known = self._seen()
        except Exception:
            self._known = None  # while nobody sees who writes, everything is asked for
            raise

    def _seen(self) -> _Kinds | None:
        told = self._tell()
        if told is None or (told.all and self._has_read_all):
            return told
        begun = told.generation
        told = self._tell(begun, " ".join(sorted(self._kinds_of_all())))
        if told is None or told.generation != begun:  # somebody wrote meanwhile who does not keep it
            return None
        self._has_read_all = True
        return told

    def _tell(self, *read: str) -> _Kinds | None:
        """What the table tells, of a new generation where it does not; ``read``: of which generation the kinds of all
        entries were read, and these kinds.
        """
        return _read(self._kinds.call([TABLE], [secrets.token_hex(8), *read]))

    def _kinds_of_all(self) -> set[str]:
        """The kinds of all entries, by the index: a place in it is found again whatever came, went or restarted since,
        which is not so of HSCAN. It does not say which have no value, so that these are not told apart.
        """
        kinds, top = set[str](), "+"
        while not kinds.issuperset(KINDS) and (
            places := self._store.execute("ZREVRANGEBYLEX", INDEX, top, "-", "LIMIT", 0, _PAGE)
        ):
            kinds |= {place.rpartition(b":")[2].decode() for place in places}
            top = f"({places[-1].decode()}"
        return kinds


def _arguments(names: AskedFields) -> Sequence[Argument | Framed]:
    return names.fields if names.networks is None else [*names.fields, names.networks]
