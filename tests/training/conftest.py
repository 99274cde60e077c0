"""What the tests of training share."""

from __future__ import annotations

import pytest

from riskapi.datasets.installed import DataPaths
from training.simulator import Networks


@pytest.fixture(scope="session")
def networks(ip_data: DataPaths) -> Networks:
    """The networks that signups are simulated from, read once: it takes four seconds. What they draw is the same
    whoever drew before.
    """
    return Networks.load(ip_data.asn, ip_data.country)
