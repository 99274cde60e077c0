"""Spellings of a ``user_id``: mail servers take a login in whatever capitals for one person.

An account is looked for as it is written, then in small letters (:meth:`riskapi.accounts.accounts.Accounts.meant`). So
only ids with capitals are remembered here, by what they are in small letters.
"""

from __future__ import annotations

from riskapi.store.pipelines import Pipeline

#: Ids looked at that differ in capitals alone. More than one is rare.
MOST = 100


def spellings_key(small: str) -> str:
    """Key of the ids with capitals that are ``small`` in small letters, in the order of their letters. It expires like
    an account, after the last of them was recorded or decided again.
    """
    return f"risk:as:{small}"


def queue(pipe: Pipeline, user_id: str, ttl: int) -> None:
    """Remember an id, in a pipeline, for ``ttl`` seconds; nothing for one that is all in small letters.

    An id that comes to be no account does no harm: whoever looks sees that.
    """
    small = user_id.lower()
    if user_id != small:
        pipe.execute_command("ZADD", spellings_key(small), 0, user_id)
        pipe.execute_command("EXPIRE", spellings_key(small), ttl)
