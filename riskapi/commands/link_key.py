"""The link key as a command checks it: whether it is the one that the store's keys were made with."""

from __future__ import annotations

import sys

from riskapi.links import secret
from riskapi.settings import Settings
from riskapi.store.connections import Store


def check(settings: Settings, store: Store, *, accept: bool) -> int:
    """Say whether the link key is the store's; with ``accept`` go on with the one there is. 1 when it is not."""
    fault = secret.fault(settings, store)
    if fault is None:
        print("the link key is the store's", file=sys.stderr)
        return 0
    if not accept:
        print(fault, file=sys.stderr)
        return 1
    secret.accept(settings, store)
    print("accepted; restart the service on every host, with this link key", file=sys.stderr)
    return 0
