"""A stand-in for the service in tests of the rings: it answers at once, by rules that a test can bend."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

HOUR, DAY = 3600.0, 86_400.0
CAPS = {"hourly": 200, "daily": 500, "monthly": 5000}


class Standin:
    """Lets everybody in and counts only an account's own caps.

    ``tier`` gives the tier of an account, ``purse`` names whom it shares its budget with. What was asked of all
    stand-ins is in ``asked``: time, path and body.
    """

    tier: Callable[[str], str] = staticmethod(lambda user_id: "allow")
    purse: Callable[[str], str] = staticmethod(lambda user_id: user_id)
    asked: ClassVar[list[tuple[float, str, Any]]] = []

    def __init__(self, data_dir: Path, databases: object, settings: dict[str, str]) -> None:
        self._granted: dict[str, list[tuple[float, int]]] = defaultdict(list)
        self._logins = 0

    def __enter__(self) -> Standin:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing was started."""

    def counted(self, metric: str) -> dict[str, float]:
        """Each event is decided twice: by the service, and by a worker that is always done."""
        return {'{cause="event",result="same"}': 2.0 * self._logins}

    def post(self, path: str, body: dict[str, Any], at: float) -> dict[str, Any]:
        """Answer as the service does, with the fields that are read."""
        self.asked.append((at, path, body))
        if path == "/v1/signups":
            return self._assessment(body["account"]["user_id"])
        if path.endswith("/sends"):
            return self._grant(path.split("/")[3], body["recipients"], at)
        self._logins += path.endswith("/events")
        return {}

    def get(self, path: str, at: float) -> dict[str, Any]:
        """An account."""
        self.asked.append((at, path, None))
        user_id = path.split("/")[3]
        found = self._assessment(user_id)
        return {
            "tier": found["decision"],
            "limits": CAPS,
            "latest": found,
            "linkage": {"cluster_id": None, "edges": []},
        }

    def _assessment(self, user_id: str) -> dict[str, Any]:
        return {
            "decision": type(self).tier(user_id),
            "risk_score": 1.0,
            "disposition": {"source": "model", "rule": None},
            "reasons": [{"code": "NETWORK_IS_HOSTING"}],
            "limits": CAPS,
            "review_id": "rev_1",
        }

    def _grant(self, user_id: str, asked: int, at: float) -> dict[str, Any]:
        past = self._granted[type(self).purse(user_id)]
        left = [
            (cap - sum(count for then, count in past if then > at - window), window)
            for cap, window in ((CAPS["hourly"], HOUR), (CAPS["daily"], DAY))
        ]
        granted, window = min(left)
        granted = min(granted, asked)
        past.append((at, granted))
        return {"granted": granted, "retry_after": None if granted == asked else int(window)}
