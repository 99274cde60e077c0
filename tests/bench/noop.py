"""The yardstick: a Flask route that parses JSON and answers JSON, and nothing else."""

from __future__ import annotations

from typing import Any

from flask import Flask, request

app = Flask(__name__)


@app.post("/v1/signups")
def answer() -> dict[str, Any]:
    """Answer with a value out of the body, so that it has to be parsed."""
    return {"user_id": request.get_json()["account"]["user_id"], "decision": "allow"}


@app.get("/readyz")
def ready() -> dict[str, str]:
    """The server is up."""
    return {"status": "ok"}
