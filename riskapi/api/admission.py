"""Whether a request may be read at all: a large body is not awaited from a caller who is refused whatever it says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map

from riskapi.api import auth
from riskapi.api.parts import Parts
from riskapi.api.routes import Route
from riskapi.errors import Problem, StoreUnavailable

#: ``known``: it shows a key that its route takes. ``unknown``: its route needs none, or the body is what proves it.
Admitted = Literal["refused", "known", "unknown"]


class Admission:
    """Looks at the head of a request. Safe to share between threads."""

    def __init__(self, urls: Map, routes: Iterable[Route], parts: Parts) -> None:
        """``urls`` are those of the application, whose names of ``routes`` are theirs; others need no key."""
        self._urls, self._parts = urls.bind(""), parts
        self._routes = {route.name: route for route in routes}

    def of(self, environ: Mapping[str, Any]) -> Admitted:
        """What is known of a request before its body is read. ``refused``: the application answers without it."""
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        try:
            name, _ = self._urls.match(path, environ["REQUEST_METHOD"])
            route = self._routes.get(str(name))
            if route is None:
                return "unknown"
            auth.authenticate(route, self._parts, environ)
        except (HTTPException, Problem, StoreUnavailable):
            return "refused"
        return "known" if route.scopes and "HTTP_AUTHORIZATION" in environ else "unknown"
