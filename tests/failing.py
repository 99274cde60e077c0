"""Parts that fail, for tests of what callers are told then."""

from __future__ import annotations

from riskapi.decisions.signups import Assessor, SignupAnswer
from riskapi.inputs.signup import Signup


class FailingAssessor(Assessor):
    """Fails at every signup."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def signup(self, signup: Signup, now: float) -> SignupAnswer:
        raise self._error
