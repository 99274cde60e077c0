"""The secret of the link keys: where it comes from, and whether the keys in the store were made with it.

With another secret every account is a stranger to every other, and nothing shows it. So the store keeps a check value
of the secret: an HMAC, which tells nobody what the secret is, since that is 32 characters or more at random.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
from pathlib import Path

from riskapi.errors import ConfigurationError, StoreUnavailable
from riskapi.settings import Settings
from riskapi.store.connections import Store
from riskapi.store.streams import SHARDS, stream

#: Where the store keeps the check value.
_CHECK = "risk:link_key"
#: What the check value is the HMAC of. A value of ours; another one would make every secret a wrong one.
_MESSAGE = b"riskapi link key, check value 1"
#: Bytes under which what is in the file is not a secret but what is left of one. As many as the keys need at least.
_LEAST = 16
_WAY_BACK = (
    "Bring it back from a backup or from another host of this store, or set RISKAPI_LINK_KEY to it. If it is lost for "
    "good, `python -m riskapi keys link-key --accept` goes on with another: accounts stay, what linked them and hashed "
    "list entries do not"
)


class LinkKey:
    """The secret this process works with. ``secret`` is for :class:`riskapi.links.entities.Links`."""

    def __init__(self, settings: Settings, store: Store) -> None:
        """Find the secret, or make it where the store is new.

        Raises:
            ConfigurationError: it is missing, empty or cut though the store has data, or the store does not answer and
                so cannot say; or it is not the one that the keys in the store were made with.
        """
        self._settings, self._store, self._confirmed = settings, store, False
        found = _found(settings)
        try:
            if found is None:
                fault_of_none = fault(settings, store)
                if fault_of_none is not None:
                    raise fault_of_none
                found = _made(settings)
            self.secret = found
            self.confirm()
        except StoreUnavailable:
            if found is None:
                raise _unusable(settings, "and the store does not answer, which would say whether it is new") from None

    def confirm(self) -> None:
        """See that the store's keys were made with this secret; a new store learns it. Asks once, then remembers.

        Raises :class:`ConfigurationError` and :class:`StoreUnavailable`.
        """
        if self._confirmed:
            return
        value = _value(self.secret)
        self._store.execute("SET", _CHECK, value, "NX")  # of two hosts that are the first, one wins
        if self._store.execute("GET", _CHECK) != value.encode():
            raise _wrong(self._settings)
        self._confirmed = True


def fault(settings: Settings, store: Store) -> ConfigurationError | None:
    """What is wrong with the secret, if anything; nothing is made and nothing is stored.

    Raises :class:`StoreUnavailable`.
    """
    found, kept = _found(settings), store.execute("GET", _CHECK)
    if found is not None:
        return None if kept is None or kept == _value(found).encode() else _wrong(settings)
    if kept is not None or _has_data(store):
        return _unusable(settings, f"though the store holds links that were made with it. {_WAY_BACK}")
    if _file(settings).exists():
        return _unusable(settings, "and the store is new: remove the file, and another is made")
    return None


def accept(settings: Settings, store: Store) -> None:
    """Go on with the secret there is, or with a new one, whatever the store's keys were made with.

    Raises :class:`StoreUnavailable`.
    """
    found = _found(settings)
    if found is None:
        _file(settings).unlink(missing_ok=True)
    store.execute("SET", _CHECK, _value(found or _made(settings)))


def _file(settings: Settings) -> Path:
    return settings.data_dir / "link.key"


def _found(settings: Settings) -> bytes | None:
    """The secret of the setting or the file; None where the file is missing or holds none."""
    if settings.link_key is not None:
        return settings.link_key.get_secret_value().encode()
    try:
        held = _file(settings).read_bytes().strip()  # an editor ends a file with a new line
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(str(_file(settings)), "link key", f"cannot be read: {error.strerror}") from None
    return held if len(held) >= _LEAST else None


def _made(settings: Settings) -> bytes:
    """A new secret, in the file."""
    path = _file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    made = settings.data_dir / f".link.key.{secrets.token_hex(8)}"
    made.touch(mode=0o600)
    with made.open("w") as file:
        file.write(secrets.token_urlsafe(32))
        file.flush()
        os.fsync(file.fileno())  # or a machine that loses power has links of a secret that nobody knows
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(made)  # of two starters that race, one wins and both read the winner's
    made.unlink()
    return path.read_bytes()


def _value(secret: bytes) -> str:
    return hmac.digest(secret, _MESSAGE, "sha256").hex()


def _has_data(store: Store) -> bool:
    """Whether an earlier release, which kept no check value, recorded accounts here."""
    return any(store.execute("XLEN", stream(number)) for number in range(SHARDS))


def _unusable(settings: Settings, why: str) -> ConfigurationError:
    path = _file(settings)
    how = "is missing" if not path.exists() else "is empty" if not path.read_bytes().strip() else "is cut short"
    return ConfigurationError(str(path), "link key", f"{how}, {why}")


def _wrong(settings: Settings) -> ConfigurationError:
    where, key = (
        (str(_file(settings)), "link key") if settings.link_key is None else ("environment", "RISKAPI_LINK_KEY")
    )
    return ConfigurationError(
        where,
        key,
        f"is not the one that the links in the store were made with, and none of them would be known. {_WAY_BACK}",
    )
