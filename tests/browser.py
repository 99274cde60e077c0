"""A real Chromium, for tests, benches and pictures of the console."""

from __future__ import annotations

import os
import shutil

from playwright.sync_api import Browser, Page, Playwright

from tests.console.visitor import PASSWORD

CHROMIUM = shutil.which("chromium")


def launched(playwright: Playwright) -> Browser:
    """Start it. SystemExit where there is none."""
    if CHROMIUM is None:
        raise SystemExit("there is no chromium here (Debian: apt-get install chromium)")
    # As root Chromium has no sandbox to run in.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=CHROMIUM, args=arguments, timeout=120_000)


def become_admin(page: Page, link: str, name: str) -> None:
    """Follow the link of a first start, choose a name and the password of tests, and be at the queue."""
    page.goto(link)
    for field, value in (("name", name), ("password", PASSWORD), ("again", PASSWORD)):
        page.fill(f"#{field}", value)
    page.press("#again", "Enter")
    page.wait_for_url("**/console/queue")


def give_password(page: Page, url: str, name: str) -> None:
    """Type a user's name and the password of tests into the page that signs in."""
    page.goto(f"{url}/console/sign-in")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
