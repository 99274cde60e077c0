"""What the contract of the API names everywhere: tiers, ids of accounts, times."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints

from riskapi.inputs.visitor_values import time

Tier = Literal["allow", "review", "limit"]
USER_ID = r"^[A-Za-z0-9_.:@-]{1,128}$"
UserId = Annotated[str, StringConstraints(pattern=USER_ID, max_length=128)]
Time = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(time, json_schema_input_type=datetime)]
