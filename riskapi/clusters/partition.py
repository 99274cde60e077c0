"""Accounts and what binds them: which of them still hang together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def groups(edges: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Accounts that hang together through shared things, larger groups first, each in the order given.

    ``edges`` names for each account the things that bind it. An account that shares nothing is a group of one.
    """
    found: dict[str, str] = {}

    def root(name: str) -> str:
        while (parent := found.setdefault(name, name)) != name:
            found[name] = found[parent]
            name = parent
        return name

    for account, things in edges.items():
        for thing in things:
            found[root(f"thing {thing}")] = root(f"account {account}")
    gathered: dict[str, list[str]] = {}
    for account in edges:
        gathered.setdefault(root(f"account {account}"), []).append(account)
    return sorted(gathered.values(), key=len, reverse=True)
