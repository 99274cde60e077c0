"""``/docs``: documentation of the API to read in a browser, from files that come with it; no network is asked."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from riskapi.api import problems
from riskapi.api.routes import Call, Reply, Route
from riskapi.errors import Problem

HTML = "text/html; charset=utf-8"

_MEDIA = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "png": "image/png"}

# Nothing from elsewhere may be loaded; Swagger UI draws its icons as data: images and sets styles on elements.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'"
)

_PAGE = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>riskapi: API documentation</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"><noscript>This page needs JavaScript; the same is in <a href="/openapi.json">/openapi.json</a>.
</noscript></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

# validatorUrl: null, or Swagger UI would show the document to a validator on the Internet.
_START = b"""window.ui = SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis], defaultModelsExpandDepth: 0, displayRequestDuration: true
});
"""


def read(call: Call[None]) -> Reply:
    """The documentation page."""
    return Reply(_PAGE, media=HTML, headers={"Content-Security-Policy": _POLICY})


def list_errors(call: Call[None]) -> Reply:
    """What each problem code means."""
    return Reply(problems.html_page().encode(), media=HTML)


def load(call: Call[None]) -> Reply:
    """A file of the documentation page."""
    name = call.path["asset"]
    body = _START if name == "start.js" else _bundled(name)
    if body is None:
        raise Problem("not_found", "The documentation has no such file.")
    headers = {"Cache-Control": "max-age=3600"}
    return Reply(body, media=_MEDIA[name.rpartition(".")[2]], headers=headers)


@lru_cache(maxsize=32)
def _bundled(name: str) -> bytes | None:
    """A file of Swagger UI as the package flask-swagger-ui ships it, or ``None``."""
    file = resources.files("flask_swagger_ui") / "dist" / name
    return file.read_bytes() if file.is_file() else None


ROUTES = (
    Route(
        method="GET",
        path="/docs",
        handler=read,
        summary="This documentation, to read in a browser",
        tag="Documentation",
        media=HTML,
    ),
    Route(
        method="GET",
        path="/docs/errors",
        handler=list_errors,
        summary="What each problem code means",
        tag="Documentation",
        media=HTML,
    ),
    Route(
        method="GET",
        path="/docs/{asset}",
        handler=load,
        summary="A file of the documentation page",
        tag="Documentation",
        documented=False,
    ),
)
