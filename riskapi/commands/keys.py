"""Make, list and revoke API keys; check the link key.

An API key is shown once, when it is made: alone on standard output, so that it can be piped into a secret store.
"""

from __future__ import annotations

import argparse
import sys

from riskapi.access.keys import SCOPES, Keys
from riskapi.links import secret
from riskapi.settings import Settings
from riskapi.store.connections import Store, running_store


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare ``create``, ``list``, ``revoke`` and ``link-key``."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, dest="action")
    create = actions.add_parser("create", help="make a key and print it")
    create.add_argument("--name", required=True, help="what the key is for, such as signup-flow")
    create.add_argument(
        "--scope", action="append", required=True, choices=SCOPES, dest="scopes", help="what it may do; repeat for more"
    )
    create.add_argument("--rate-limit", type=float, metavar="N", help="requests a second (default: the setting's)")
    actions.add_parser("list", help="list the keys, without their secrets")
    revoke = actions.add_parser("revoke", help="make a key invalid")
    revoke.add_argument("id", help="the id that list shows")
    link = actions.add_parser("link-key", help="say whether the link key is the one the store's links were made with")
    link.add_argument(
        "--accept",
        action="store_true",
        help="go on with the key there is, or a new one: links and hashed list entries made with another are lost",
    )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Do one of the four."""
    # A service whose link key is refused does not run, and neither does its store.
    with running_store(settings, start=arguments.start_store or arguments.action == "link-key") as store:
        if arguments.action == "link-key":
            return _link(settings, store, arguments.accept)
        keys = Keys(store)
        if arguments.action == "create":
            return _create(keys, arguments)
        if arguments.action == "list":
            return _list(keys)
        return _revoke(keys, arguments.id)


def _link(settings: Settings, store: Store, accept: bool) -> int:
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


def _create(keys: Keys, arguments: argparse.Namespace) -> int:
    try:
        key = keys.create(arguments.name, arguments.scopes, arguments.rate_limit)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{arguments.name}: {', '.join(sorted(set(arguments.scopes)))}; shown this once:", file=sys.stderr)
    print(key)
    return 0


def _list(keys: Keys) -> int:
    for key in keys.list():
        limit = f"{key['rate_limit']:g}/s" if key["rate_limit"] else "-"
        print(key["id"], key["created_at"], limit, ",".join(key["scopes"]), key["name"], sep="\t")
    return 0


def _revoke(keys: Keys, key_id: str) -> int:
    if keys.revoke(key_id):
        print(f"{key_id}: revoked", file=sys.stderr)
        return 0
    print(f"{key_id}: no such key", file=sys.stderr)
    return 1
