"""Simulated signups, posted to a running service in replay time; what it recorded becomes the training data."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from training.progress import counting
from training.server import Service
from training.simulator import Event

#: Rules only: what a model is trained on must not depend on a model.
_SETTINGS = {"RISKAPI_MODEL_MODE": "off"}
#: Fields of the truth file: what the service must not know.
_TRUTH = ("truth", "outcome", "kind", "group", "country", "tongue", "at")


def schedule(events: Sequence[Event]) -> list[tuple[float, str, dict[str, Any]]]:
    """Everything to post as ``(time, path, body)`` in the order of time: signups, and labels up to the last signup."""
    end = max(event.at for event in events)
    posts = [(event.at, 0, number, "/v1/signups", event.signup) for number, event in enumerate(events)]
    for number, event in enumerate(events):
        if event.label is not None and event.label_at is not None and event.label_at <= end:
            body = {"label": event.label, "source": "external"}
            posts.append((event.label_at, 1, number, f"/v1/accounts/{event.user_id}/labels", body))
    posts.sort(key=lambda post: post[:3])
    return [(at, path, body) for at, _, _, path, body in posts]


def collect(events: Sequence[Event], databases: tuple[Path, Path | None], out: Path, console: Console) -> None:
    """Replay the events against a service of their own and write its record to ``out``.

    One connection, one request at a time, in the order of time: the same events give the same readings. Raises
    :class:`training.server.ServiceError`.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    posts = schedule(events)
    with (
        tempfile.TemporaryDirectory(prefix="riskapi-collect-") as scratch,
        Service(Path(scratch), databases, _SETTINGS) as service,
    ):
        with counting(console) as progress:
            task = progress.add_task("posting", total=len(posts), rate=0.0)
            for number, (at, path, body) in enumerate(posts, 1):
                service.post(path, body, at)
                if not number % 50 or number == len(posts):
                    speed = progress.tasks[task].speed
                    progress.update(task, completed=number, rate=speed or 0.0)
        service.export(out)


def write_truth(events: Sequence[Event], path: Path) -> None:
    """What is really so, one JSON line a signup, apart from anything the service sees."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for event in events:
            row = {"user_id": event.user_id} | {name: getattr(event, name) for name in _TRUTH}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def write_events(events: Sequence[Event], path: Path) -> None:
    """Whole events, one JSON line each: for looking at, or for replaying elsewhere."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for event in events:
            file.write(json.dumps(asdict(event), ensure_ascii=False) + "\n")
