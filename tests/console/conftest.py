"""The console over the service of this process."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from riskapi import app
from riskapi.console.doors import Doors, open_doors
from riskapi.settings import Settings
from tests.console.visitor import Visitor


@pytest.fixture
def service_settings(settings: Settings) -> Settings:
    """By rules only, and without the second factor, which a few tests are about."""
    return replace(settings, model_mode="off", console_second_factor=False)


@pytest.fixture
def doors(service: app.Service, service_settings: Settings) -> Doors:
    return open_doors(service_settings, service.store)


@pytest.fixture
def site(service: app.Service, service_settings: Settings) -> Flask:
    return app.serving(service, service_settings)


@pytest.fixture
def visitor(site: Flask) -> Visitor:
    return Visitor(site.test_client())
