"""The Flask application, made from the declared routes and the parts it is handed."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from riskapi.api import (
    account_caps,
    accounts,
    attacks,
    audit,
    cap_hits,
    clusters,
    documentation,
    events,
    feedback,
    feedback_kept,
    feedback_mail,
    feeds,
    health,
    imports,
    list_batches,
    lists,
    openapi,
    platform,
    policy,
    privacy,
    proposals,
    request,
    reviews,
    search,
    sends,
    signups,
    simulations,
    webhooks,
)
from riskapi.api.parts import Parts
from riskapi.api.routes import Call, Reply, Route


def describe(call: Call[None]) -> Reply:
    """The OpenAPI document."""
    return Reply(openapi.written(_document(), call.now))


@cache
def _document() -> dict[str, Any]:
    return openapi.document(ROUTES)


#: Every route of the service, in the order of the documentation.
ROUTES: tuple[Route, ...] = (
    *signups.ROUTES,
    *accounts.ROUTES,
    *account_caps.ROUTES,
    *imports.ROUTES,
    *sends.ROUTES,
    *events.ROUTES,
    *feedback.ROUTES,
    *feedback_kept.ROUTES,
    *feeds.ROUTES,
    *feedback_mail.ROUTES,
    *platform.ROUTES,
    *reviews.ROUTES,
    *search.ROUTES,
    *clusters.ROUTES,
    *policy.ROUTES,
    *simulations.ROUTES,
    *proposals.ROUTES,
    *attacks.ROUTES,
    *cap_hits.ROUTES,
    *lists.ROUTES,
    *list_batches.ROUTES,
    *webhooks.ROUTES,
    *privacy.ROUTES,
    *audit.ROUTES,
    *health.ROUTES,
    Route(
        method="GET",
        path="/openapi.json",
        handler=describe,
        summary="This API in OpenAPI 3.1",
        tag="Documentation",
    ),
    *documentation.ROUTES,
)


def build(parts: Parts) -> Flask:
    """The application. A route is served exactly as it is declared and documented; nothing else answers."""
    app = Flask("riskapi", static_folder=None, template_folder=None)
    # One path, one resource: no redirects to a spelling with fewer slashes.
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = True
    fixed = {}
    for route in ROUTES:
        answer = request.answerer(route, parts)
        if "{" not in route.path:
            fixed[route.method, route.path] = answer
        app.add_url_rule(
            route.rule,
            endpoint=route.name,
            view_func=request.view(route, answer),
            methods=[route.method],
            provide_automatic_options=False,
        )

    def refuse(error: HTTPException) -> Response:
        return request.refuse(parts, error)

    app.register_error_handler(HTTPException, refuse)
    app.wsgi_app = request.FixedPaths(app.wsgi_app, fixed)  # type: ignore[method-assign]
    _document()  # now, so that no caller waits for it
    return app
