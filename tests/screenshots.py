"""Pictures of the console for README and docs: ``make screenshots``.

A copy of the simulated month of ``make demo-console`` is served, and a real Chromium looks at the main pages. The month
is simulated first where it is not there.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Page, sync_playwright

from tests.bench import servers
from tests.bench.person import first_link
from tests.browser import become_admin, launched
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
#: Where the pictures are kept, and the month they show.
IMAGES, SAMPLE = ROOT / "docs" / "images", ROOT / "var" / "sample"
#: Width of the window, pixels, and milliseconds a page may take.
_WIDTH, _PATIENCE = 1280, 30_000
#: The ring that the month ends with.
_RING: Final = "harvest-offers.example"


def _case(page: Page, url: str) -> None:
    """The case of the ring."""
    page.goto(f"{url}/console/queue?q={_RING}")
    page.locator("[data-row] a").first.click()
    page.wait_for_url("**/console/cases/*")


def _at(path: str) -> Callable[[Page, str], object]:
    return lambda page, url: page.goto(f"{url}/console/{path}")


#: Name of a picture → colours, height of the window, and how to get to what it shows.
PICTURES: dict[str, tuple[Literal["light", "dark"], int, Callable[[Page, str], object]]] = {
    "queue": ("light", 780, _at("queue")),
    "case": ("light", 1360, _case),
    "case-dark": ("dark", 800, _case),
    "search": ("light", 800, _at(f"search?q={_RING}")),
    "limits": ("light", 800, _at("limits")),
    "watch": ("light", 870, _at("watch?range=30d")),
}


def take(sample: Path, images: Path) -> list[Path]:
    """Serve a copy of a data directory and take every picture; where they are. SystemExit without a Chromium."""
    images.mkdir(parents=True, exist_ok=True)
    port, made = free_port(), []
    with tempfile.TemporaryDirectory(prefix="riskapi-screenshots-") as name, sync_playwright() as playwright:
        folder = Path(name) / "data"
        shutil.copytree(sample, folder, ignore=shutil.ignore_patterns("*.sock", "*.pid", "*.lock"))
        environment = {
            "RISKAPI_BIND": f"127.0.0.1:{port}", "RISKAPI_DATA_DIR": str(folder), "RISKAPI_ENRICHMENT": "off",
            "RISKAPI_CONSOLE_SECOND_FACTOR": "off", "RISKAPI_CONSOLE_NOTICE": "Sample data",
            "RISKAPI_WORKERS": "1",
        }  # fmt: skip
        log = Path(name) / "serve.log"
        with servers.running([sys.executable, "-m", "riskapi", "serve"], port, environment, log):
            browser = launched(playwright)
            page = browser.new_page()
            page.set_default_timeout(_PATIENCE)
            url = f"http://127.0.0.1:{port}"
            become_admin(page, url + first_link(log), "ana@riskapi.example")
            for word, (colours, height, go) in PICTURES.items():
                page.set_viewport_size({"width": _WIDTH, "height": height})
                page.emulate_media(color_scheme=colours)
                go(page, url)
                path = images / f"{word}.png"
                page.screenshot(path=path)
                made.append(path)
    return made


def main(words: Sequence[str] | None = None) -> int:
    """Take the pictures and print where they are."""
    parser = argparse.ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("--sample", type=Path, default=SAMPLE, help="data directory that is shown (var/sample)")
    parser.add_argument("--images", type=Path, default=IMAGES, help="where the pictures are put (docs/images)")
    options = parser.parse_args(words)
    if not options.sample.exists():
        command = [sys.executable, "-m", "training", "sample", "--folder", str(options.sample)]
        if subprocess.run(command, check=False).returncode:
            return 1
    for path in take(options.sample, options.images):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
