"""The artifact a model is shipped as: ``model.txt`` in LightGBM's own text, and ``card.json`` that vouches for it.

Training writes it with :func:`save`, the service reads it with :func:`read`; nothing is pickled, so an
artifact can be read by a person and can run no code.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

MODEL_FILE = "model.txt"
CARD_FILE = "card.json"


class ArtifactError(Exception):
    """An artifact that cannot be trusted or read; the message is a sentence for the operator."""


class _Record(BaseModel):
    # Not strict: JSON has no dates and no tuples. Names are forbidden rather than ignored, so a typo is not lost.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)


class Calibration(_Record):
    """Platt scaling, probability = sigmoid(a * margin + b) (Platt 1999, "Probabilistic outputs for support
    vector machines"). ``a`` is positive, or the monotone constraints would be turned around.
    """

    a: float = Field(gt=0)
    b: float


class Window(_Record):
    """What the model learned from. ``first`` and ``last`` are the times of the oldest and newest decision;
    ``simulated`` is true when the signups were made up, and figures must then say so.
    """

    first: AwareDatetime = Field(validation_alias="from", serialization_alias="from")
    last: AwareDatetime = Field(validation_alias="to", serialization_alias="to")
    rows: int = Field(gt=0)
    positives: int = Field(gt=0)
    simulated: bool

    @model_validator(mode="after")
    def _is_a_window(self) -> Window:
        if self.last < self.first:
            raise ValueError("'to' lies before 'from'")
        if self.positives >= self.rows:
            raise ValueError("a model needs examples of both outcomes")
        return self


class Card(_Record):
    """What an artifact says of itself.

    ``format`` is the layout of this card. ``columns`` are signal names in the order the model was trained on,
    ``monotone`` the constraint of each (-1, 0, +1). ``sha256`` is of the bytes of ``model.txt``. ``lightgbm`` is
    the version that trained it, ``signals_schema`` (``schema`` in JSON) the ``signals.registry.schema()`` of the
    recorded readings. ``metrics`` are as training printed them: numbers, or groups of numbers.
    """

    format: Literal[1] = 1
    columns: tuple[str, ...] = Field(min_length=1)
    monotone: tuple[Literal[-1, 0, 1], ...]
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    calibration: Calibration
    trained_at: AwareDatetime
    data: Window
    metrics: dict[str, float | dict[str, float]]
    lightgbm: str = Field(pattern=r"^\d+\.\d+")
    signals_schema: str = Field(validation_alias="schema", serialization_alias="schema", min_length=1)

    @model_validator(mode="after")
    def _columns_are_sound(self) -> Card:
        if len(set(self.columns)) != len(self.columns):
            raise ValueError("a column is listed twice")
        if len(self.monotone) != len(self.columns):
            raise ValueError(f"{len(self.monotone)} monotone constraints for {len(self.columns)} columns")
        return self

    @property
    def version(self) -> str:
        """Day of training and the first eight digits of the hash, as ``2026-11-20.3fa94c1b``."""
        return f"{self.trained_at.date().isoformat()}.{self.sha256[:8]}"


def save(
    directory: Path,
    model: str,
    *,
    columns: Sequence[str],
    monotone: Sequence[int],
    calibration: Calibration,
    trained_at: datetime,
    data: Window,
    metrics: dict[str, float | dict[str, float]],
    lightgbm: str,
    schema: str,
) -> Card:
    """Write an artifact and return its card.

    ``model`` is ``Booster.model_to_string()``. Both files are replaced whole and the card last, so an
    interrupted training leaves files that :func:`read` refuses, never a mixture that is believed.
    """
    text = model.encode()
    card = Card.model_validate(
        {
            "columns": columns,
            "monotone": monotone,
            "sha256": hashlib.sha256(text).hexdigest(),
            "calibration": calibration,
            "trained_at": trained_at,
            "data": data,
            "metrics": metrics,
            "lightgbm": lightgbm,
            "schema": schema,
        }
    )
    directory.mkdir(parents=True, exist_ok=True)
    _replace(directory / MODEL_FILE, text)
    _replace(directory / CARD_FILE, card.model_dump_json(indent=2, by_alias=True).encode() + b"\n")
    return card


def read(directory: Path) -> tuple[Card, str]:
    """The card and the text of the model it vouches for.

    Raises :class:`ArtifactError` when a file is missing or unreadable, the card is not a card, or the model
    is not the one the card was written for.
    """
    try:
        card = Card.model_validate_json(_bytes(directory / CARD_FILE))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ArtifactError(f"{directory / CARD_FILE}: {key}: {first['msg']}.") from error
    text = _bytes(directory / MODEL_FILE)
    found = hashlib.sha256(text).hexdigest()
    if found != card.sha256:
        raise ArtifactError(
            f"{directory / MODEL_FILE} has sha256 {found[:12]}… but its card was written for {card.sha256[:12]}…: "
            "the two files do not belong together, or the model was changed after training."
        )
    return card, text.decode()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}.") from error


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
