"""From a request to a page and back: the session, the role, the token of forms, headers, errors. All pages share it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from time import perf_counter
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Flask, Response, current_app, g, redirect, request, session
from flask.globals import request_ctx
from flask_wtf.csrf import generate_csrf, validate_csrf
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse
from wtforms import ValidationError

from riskapi import logs
from riskapi.access.users import Person
from riskapi.api.parts import Parts
from riskapi.api.request import request_id_of
from riskapi.console import callers, cookies, outage, rendering
from riskapi.console.access_parts import AccessParts
from riskapi.console.headers import headers
from riskapi.console.page import ROOT, Page
from riskapi.console.page_list import PAGES
from riskapi.console.queue_rows import QueueRows
from riskapi.console.visit import NOBODY, Answer, Entered, Fields, File, Left, Moved, View, Visit
from riskapi.errors import ConfigurationError, Problem, StoreUnavailable
from riskapi.reviews.cases import Cases
from riskapi.reviews.selections import SelectionDecisions
from riskapi.store import damaged

#: Names a browser remembers to have signed in, and characters of what is said once.
_NAMES, _SAID = 5, 500
#: What stays as it is in a query (RFC 3986, 3.4), with the sign of what is encoded already.
_QUERY = "%/?:@!$&'()*+,;="
#: A form that is sent by the script of its page has this header, so that the page stays if it fails; the answer says
#: with it where to go.
_STAYS = "X-Console-To"
#: Where somebody goes who has no second factor yet and needs one.
_AUTHENTICATOR = f"{ROOT}/account/authenticator"
_NO_PAGE = Page(path="/nothing", handler=lambda _: Moved(ROOT), role=None)


def mount(app: Flask, parts: Parts, access_parts: AccessParts) -> None:
    """Have the application serve the console."""
    console = Blueprint("console", __name__, url_prefix=ROOT)
    server = _Server(parts, access_parts)
    for page in PAGES:
        view, methods = server.view(page), [page.method]
        console.add_url_rule(page.rule, page.name, view, methods=methods, provide_automatic_options=False)
    console.add_url_rule("/static/<asset>", "static", _asset, methods=["GET"], provide_automatic_options=False)
    nothing = server.view(_NO_PAGE, found=False)
    console.add_url_rule("/<path:rest>", "nothing", nothing, methods=["GET", "POST"], provide_automatic_options=False)
    app.add_url_rule(ROOT, "console", lambda: redirect(f"{ROOT}/", 308), methods=["GET"])
    app.after_request(server.strict)
    app.config.update(cookies.settings(access_parts))
    app.session_interface = cookies.Cookies(access_parts)
    app.register_blueprint(console)


class _Server:
    """Serves the pages of one application."""

    def __init__(self, parts: Parts, access_parts: AccessParts) -> None:
        self._parts, self._access_parts = parts, access_parts
        self._cases = Cases(access_parts.store, parts.reviews, parts.review_decisions.waiting, parts.publisher.active)
        self._rows = QueueRows(self._cases)
        self._selections = SelectionDecisions(access_parts.store, parts.review_decisions, parts.publisher.active)
        self._headers = headers(is_secure=access_parts.is_secure)

    def view(self, page: Page, *, found: bool = True) -> Any:
        """The Flask view of a page; where it is not ``found``, of whatever has no page."""

        def respond(**path: str) -> Response:
            started, request_id = perf_counter(), request_id_of(request.environ)
            try:
                answer = self._answer(page, path, request_id, found=found)
            except Exception as error:
                answer = self._fault(error, page, request_id)
            answer.headers["X-Request-Id"] = request_id
            seconds = perf_counter() - started
            # One row of metrics for all pages; the log says which it was, without what stands for the names in it.
            self._parts.metrics.request(ROOT, request.method, answer.status_code, seconds)
            milliseconds = round(seconds * 1000, 3)
            logs.note(
                logging.INFO,
                "request",
                request_id=request_id,
                method=request.method,
                route=ROOT + page.path,
                status=answer.status_code,
                duration_ms=milliseconds,
            )
            return answer

        return respond

    def strict(self, answer: BaseResponse) -> BaseResponse:
        """An answer under :data:`ROOT`, of whatever kind, with the id of its request and what keeps browsers strict."""
        if request.path == ROOT or request.path.startswith(f"{ROOT}/"):
            for name, value in self._headers.items():
                answer.headers.setdefault(name, value)
            if "X-Request-Id" not in answer.headers:
                answer.headers["X-Request-Id"] = request_id_of(request.environ)
        return answer

    def _answer(self, page: Page, path: Mapping[str, str], request_id: str, *, found: bool) -> Response:
        now = self._parts.clock()
        opener = current_app.session_interface
        assert isinstance(opener, cookies.Cookies)  # noqa: S101 - mount put it there
        session.update(opener.load(current_app, request_ctx.request))
        session.permanent = True
        session.modified = False
        held = self._access_parts.sessions.visit(session["token"], now) if "token" in session else None
        g.held = held  # for pages that say what failed
        person = held.person if held is not None else NOBODY
        if held is None and "token" in session:
            _forget()
        form = self._form(page)
        refused = self._refused(page, person, held.how if held is not None else "")
        if refused is not None:
            return self._response(refused, person, page, request_id)
        if not found or not page.takes(path):
            raise Problem("not_found", "There is no such page.")
        if request.method == "POST" and held is not None and held.refused and page.writes:
            return self._outage(outage.NOT_TRIED, person, page, request_id)
        visit = Visit(
            parts=self._parts,
            access_parts=self._access_parts,
            cases=self._cases,
            rows=self._rows,
            selections=self._selections,
            person=person,
            now=now,
            path=path,
            query=Fields(dict(request.args.lists())),
            form=Fields(dict(form.lists())),
            address=callers.address(request.environ, self._access_parts.settings.console_proxies),
            host=request.host,
            agent=request.headers.get("User-Agent", ""),
            session=held.session if held is not None else "",
            kept=session.get("kept", {}),
            known=frozenset(session.get("known", ())),
        )
        g.tried = True
        return self._done(page.handler(visit), visit, page, request_id)

    def _form(self, page: Page) -> MultiDict[str, str]:
        """What was posted, with the token that a page of this session carries. Raises ``Problem``."""
        if request.method != "POST":
            return MultiDict()
        request.max_content_length = page.most
        form = request.form
        try:
            validate_csrf(form.get("csrf", ""), secret_key=current_app.secret_key, token_key="csrf")  # noqa: S106
        except ValidationError:
            raise Problem("invalid", "This form is out of date. Go back, load the page again, and repeat it.") from None
        return form

    def _refused(self, page: Page, person: Person, how: str) -> Answer | None:
        """What somebody gets who may not see the page. Raises ``forbidden``."""
        if page.role is None:
            return None
        if person is NOBODY:
            if request.method == "GET":
                session["next"] = _address()
            return Moved(f"{ROOT}/sign-in")
        needed = self._access_parts.settings.console_second_factor and not person.has_second_factor
        if needed and how != "oidc" and not page.open_to_new:  # there the provider asks for it
            return Moved(_AUTHENTICATOR, "Set up an authenticator first.")
        if not person.may(page.role):
            raise Problem("forbidden", f"This needs the role {page.role}; you have the role {person.role}.")
        return None

    def _done(self, answer: Answer, visit: Visit, page: Page, request_id: str) -> Response:
        if isinstance(answer, Entered):
            person, known, after = answer.person, session.get("known", []), session.get("next")
            if "token" in session:  # one browser, one session
                self._access_parts.sessions.end(visit.person.id, visit.session)
            session.clear()  # with the token of forms: nothing from before signing in is good after it
            given = {"agent": visit.agent, "address": visit.address}
            session["token"] = self._access_parts.sessions.begin(person, answer.how, visit.now, **given)
            session["known"] = list(dict.fromkeys([person.id, *known]))[:_NAMES]
            session.permanent = True
            return self._response(Moved(after or answer.to), person, page, request_id)
        if isinstance(answer, Left):
            self._access_parts.sessions.end(visit.person.id, visit.session)
            _forget()
            return self._response(Moved(answer.to, answer.said), NOBODY, page, request_id)
        return self._response(answer, visit.person, page, request_id)

    def _response(self, answer: Answer, person: Person, page: Page, request_id: str) -> Response:
        if isinstance(answer, Moved):
            if answer.said:
                session["said"] = answer.said[:_SAID]
            if answer.keep:
                session["kept"] = {**session.get("kept", {}), **answer.keep}
            if _STAYS in request.headers:  # the script of the page goes there
                return Response(status=204, headers={_STAYS: answer.to})
            return Response(status=303, headers={"Location": answer.to})
        if isinstance(answer, File):
            kept = {"Content-Type": answer.media, "Content-Disposition": f'attachment; filename="{answer.name}"'}
            return Response(answer.content, 200, kept)
        assert isinstance(answer, View)  # noqa: S101 - the others are done by now
        said = session.pop("said", None)
        data = {**answer.data, "frame": self._frame(person, page, said), "csrf": cache(_csrf), "request_id": request_id}
        text = rendering.page(answer.template, data)
        return Response(text, answer.status, {**answer.headers, "Content-Type": "text/html; charset=utf-8"})

    def _frame(self, person: Person, page: Page, said: str | None) -> dict[str, Any]:
        """What the frame of every page shows."""
        menu = [
            {"word": each.entry, "address": ROOT + each.path, "current": f"{page.path}/".startswith(f"{each.path}/")}
            for each in PAGES
            if each.entry is not None and person is not NOBODY and each.role is not None and person.may(each.role)
        ]
        shown = {"name": person.name, "role": person.role} if person is not NOBODY else None
        policy = self._parts.versions()["policy"] if shown else None
        kept = session.get("kept", {}) if shown and person.may("reviewer") else {}
        undo = {name: kept.get(name) for name in ("undo", "undo_of")}
        attack = self._parts.publisher.attack if shown else None  # what this worker decides by: no trip to the store
        held = g.get("held")
        refused = outage.refusal(held.refused) if held is not None else None
        found = {"menu": menu, "person": shown, "policy": policy, "said": said, "refused": refused, **undo}
        # A page about a password and the like is loaded anew; others stay where a form of them fails.
        found["stays"] = shown is not None and not page.path.startswith("/account")
        notice = self._access_parts.settings.console_notice
        return {**found, "notice": notice, "attack": None if attack is None else attack.until}

    def _fault(self, error: Exception, page: Page, request_id: str) -> Response:
        """A page that says what failed. Only a defect is logged with its stack."""
        held = g.get("held")
        person = held.person if held is not None else NOBODY
        if isinstance(error, StoreUnavailable):
            self._parts.metrics.store_failure("request")
            # What was sent to the store may be done all the same, now or by a worker that finishes it.
            met = outage.met(error, posted=request.method == "POST", tried="tried" in g)
            return self._outage(met, person, page, request_id)
        status, title, detail = _explained(error)
        if status == 500:
            logs.note(logging.ERROR, "defect", error, request_id=request_id, route=ROOT + page.path)
        data = {"title": title, "detail": detail, "outage": False}
        return self._response(View("fault.html", data, status), person, page, request_id)

    def _outage(self, met: outage.Outage, person: Person, page: Page, request_id: str) -> Response:
        """A page that says what failed because of the store, what works, and how to go on."""
        posted = request.method == "POST"
        request.max_content_length = page.most
        data = {
            "title": met.title,
            "detail": met.failed,
            "outage": True,
            "written": outage.written(request) if posted else [],
            "again": outage.way_back(request.referrer, ROOT) if posted else _address(),
            "retry": None if posted else outage.RETRY,
        }
        answer = View("fault.html", data, 503, {"Retry-After": str(outage.RETRY)})
        return self._response(answer, person, page, request_id)


def _explained(error: Exception) -> tuple[int, str, str]:
    if isinstance(error, Problem):
        title = {"not_found": "Not found", "forbidden": "You may not do this"}.get(error.code, "This was not done")
        wrong = " ".join(each["detail"] for each in error.errors)
        return error.status, title, f"{error.detail} {wrong}".strip()
    if isinstance(error, ConfigurationError):
        return 503, "The policy cannot be used", f"{error.where}: {error.key}: {error.reason}"
    if isinstance(error, damaged.Unreadable):
        return 503, "This cannot be read", "What is stored of it is damaged. The service's log says which row."
    if isinstance(error, HTTPException) and error.code is not None and 400 <= error.code < 500:
        return error.code, "This was not done", error.description or "The request could not be read."
    return 500, "Something failed on our side", "It is in the service's log under the request id below."


def _address() -> str:
    """Path and query of the request, in the characters that a header can carry, whatever the path stands for."""
    asked = request.query_string
    return f"{quote(request.path)}{'?' if asked else ''}{quote(asked, safe=_QUERY)}"[:_SAID]


def _csrf() -> Markup:
    """The hidden field that each form carries."""
    token = generate_csrf(secret_key=current_app.secret_key, token_key="csrf")  # noqa: S106
    return Markup('<input type="hidden" name="csrf" value="{}">').format(token)


def _forget() -> None:
    """Let the browser forget all that belongs to a session that is over."""
    for name in ("token", "csrf", "kept"):
        session.pop(name, None)


def _asset(asset: str) -> BaseResponse:
    """A file that goes with the pages. Its address changes with it, so it is kept for a year."""
    found = rendering.assets().get(asset)
    if found is None:
        return Response(status=404)
    kept = "public, max-age=31536000, immutable"
    return Response(found.content, 200, {"Cache-Control": kept, "Content-Type": found.media})
