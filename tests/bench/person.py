"""Somebody at the console of a served service: signs in by the first link and asks for pages over one connection."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Mapping
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from tests.console.visitor import PASSWORD

#: What a service says at its start where it has no user yet.
_LINK = re.compile(r"/console/welcome/\S+")
#: Seconds a page may take until it is given up.
_PATIENCE = 60.0
#: Seconds after which a service that answers has said everything.
_ANNOUNCED = 15.0


def first_link(log: Path) -> str:
    """The path of the link that makes the first admin, as the service printed it. SystemExit where it printed none."""
    deadline = time.monotonic() + _ANNOUNCED
    while (found := _LINK.search(log.read_text())) is None:
        if time.monotonic() > deadline:
            raise SystemExit(f"no link for a first admin in {log}: there is a user already")
        time.sleep(0.1)  # it answers before it has said everything
    return found[0]


class Person:
    """A browser without scripts."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        self._cookies: dict[str, str] = {}
        self._led = ""

    def sign_in(self, link: str, name: str = "ana@riskapi.example") -> None:
        """Become the first admin. SystemExit where that is refused."""
        token = self._token(self.get(link)[0])
        form = {"csrf": token, "name": name, "password": PASSWORD, "again": PASSWORD}
        status, text, _ = self._ask("POST", link, urlencode(form))
        if status != 303:
            raise SystemExit(f"the console did not take the first admin: {status}\n{text[:2000]}")

    def get(self, path: str) -> tuple[str, float]:
        """A page and the seconds it took. SystemExit where it is none."""
        status, text, seconds = self._ask("GET", path)
        if status != 200:
            raise SystemExit(f"GET {path}: {status}\n{text[:2000]}")
        return text, seconds

    def post(self, page: str, fields: Mapping[str, str]) -> str:
        """Send a form of a page to the page itself; where it leads. SystemExit where it is refused."""
        token = self._token(self.get(page)[0])
        status, text, _ = self._ask("POST", page, urlencode({"csrf": token, **fields}))
        if status != 303:
            raise SystemExit(f"POST {page}: {status}\n{text[:2000]}")
        return self._led

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str, float]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        begin = time.perf_counter()
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        seconds = time.perf_counter() - begin
        self._led = answer.getheader("Location") or ""
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                self._cookies |= {each.key: each.value for each in SimpleCookie(value).values()}
        return answer.status, text, seconds

    @staticmethod
    def _token(text: str) -> str:
        found = re.search(r'name="csrf" value="([^"]*)"', text)
        return found[1] if found else ""
