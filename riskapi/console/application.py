"""The application: the API, and the console of people beside it."""

from __future__ import annotations

from flask import Flask

from riskapi.api.flask_app import build
from riskapi.api.parts import Parts
from riskapi.console.access_parts import open_access_parts
from riskapi.console.serving import mount
from riskapi.settings import Settings
from riskapi.store.connections import Store


def application(parts: Parts, settings: Settings, store: Store) -> Flask:
    """API and console over the same parts."""
    made = build(parts)
    mount(made, parts, open_access_parts(settings, store))
    return made
