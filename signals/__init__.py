"""The signals: everything the service notices about a signup, each declared once.

Importing this package imports every family in this order, which is the order of the catalogue, of recorded
readings and of the columns a new model is trained on. Append families; do not reorder them.
"""

# ruff: noqa: F401, I001 - imported to be declared, in this order
import signals.email
import signals.phone
import signals.network
import signals.device
import signals.behavior
import signals.links
import signals.velocity
import signals.reputation
import signals.sending
import signals.domain
import signals.events
import signals.sender
import signals.account
from signals.registry import (
    Readings,
    Signal,
    Value,
    columns,
    degraded,
    read,
    read_again,
    read_blameless,
    registered,
    schema,
)

__all__ = [
    "Readings",
    "Signal",
    "Value",
    "columns",
    "degraded",
    "read",
    "read_again",
    "read_blameless",
    "registered",
    "schema",
]
