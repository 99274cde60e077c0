"""Single rows through LightGBM's C API.

``Booster.predict`` spends most of its time turning one row into a data set. The C API has a call for single rows whose
parameters are parsed once (``LGBM_BoosterPredictForMatSingleRowFast`` in ``include/LightGBM/c_api.h``); it is used here
through the library that the ``lightgbm`` package has loaded. The numbers are the same.

This is the one place that reaches into LightGBM's package, made for 4.7.0: ``libpath._LIB``, the library that it has
loaded, ``basic._safe_call``, which raises its errors, and ``_handle`` of a booster. Where one of them is gone,
:func:`check` says so as a model is loaded, and nothing starts.
"""

from __future__ import annotations

import ctypes
import importlib
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from model.card import ArtifactError
from model.features import Row

if TYPE_CHECKING:
    from lightgbm import Booster

#: What this was made for; ``tests/test_private_interfaces.py`` holds it to requirements.txt.
MADE_FOR: Final = "lightgbm 4.7.0"
# A constant of c_api.h.
_FLOAT64 = 1
# Threads of its own would cost LightGBM more than one row is worth, and would fight over the server's cores.
_PARAMETERS = b"num_threads=1 verbosity=-1"
_CALLS: Final = (
    "LGBM_BoosterPredictForMatSingleRowFast", "LGBM_BoosterPredictForMatSingleRowFastInit", "LGBM_FastConfigFree",
)  # fmt: skip


class SingleRow:
    """One prepared single-row prediction with its own buffers: for one thread."""

    def __init__(self, booster: Booster, kind: int, width: int, outputs: int, columns: Sequence[int]) -> None:
        """``width`` columns of which only ``columns`` are told: the model does not look at the others."""
        library, self._check = _private("libpath", "_LIB"), _private("basic", "_safe_call")
        self._call, self._free = library.LGBM_BoosterPredictForMatSingleRowFast, library.LGBM_FastConfigFree
        self._booster = booster  # the prepared call points into it: it must live as long
        self._unpack = struct.Struct(f"={outputs}d").unpack_from
        # LightGBM takes a row as pairs of the columns that are not zero; columns that the model does not look at are
        # not among them.
        self._input, self._columns = np.zeros(width), np.array(columns, dtype=np.intp)
        self._output = (ctypes.c_double * outputs)()
        self._length = ctypes.c_int64()
        self._config = ctypes.c_void_p()
        self._check(
            library.LGBM_BoosterPredictForMatSingleRowFastInit(
                booster._handle,
                ctypes.c_int(kind),
                ctypes.c_int(0),
                ctypes.c_int(-1),
                ctypes.c_int(_FLOAT64),
                ctypes.c_int32(width),
                ctypes.c_char_p(_PARAMETERS),
                ctypes.byref(self._config),
            )
        )
        self._arguments = (
            self._config,
            self._input.ctypes.data_as(ctypes.c_void_p),
            ctypes.byref(self._length),
            ctypes.cast(self._output, ctypes.POINTER(ctypes.c_double)),
        )

    def predict(self, row: Row) -> tuple[float, ...]:
        """The outputs for this row, which has the columns that were prepared for."""
        self._input[self._columns] = row
        self._check(self._call(*self._arguments))
        return self._unpack(self._output)

    def __del__(self) -> None:
        config = getattr(self, "_config", None)
        if config:
            self._free(config)


def check(booster: Any) -> None:
    """Raise :class:`ArtifactError` where LightGBM is not as this file needs it."""
    library = _private("libpath", "_LIB")
    _private("basic", "_safe_call")
    for call in _CALLS:
        if not hasattr(library, call):
            raise _changed(f"its library has no {call}")
    if not hasattr(booster, "_handle"):
        raise _changed("a booster has no _handle")


def _private(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(f"lightgbm.{module}"), name)
    except (ImportError, AttributeError):
        raise _changed(f"{module} has no {name}") from None


def _changed(how: str) -> ArtifactError:
    return ArtifactError(f"lightgbm is not as {MADE_FOR} is: {how}.")
