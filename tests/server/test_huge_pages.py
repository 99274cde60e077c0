"""What a process has loaded is put on huge pages, and where there are none nothing happens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from riskapi.server import huge_pages

PAGE = 1 << 21


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"{PAGE:x}-{3 * PAGE:x} rw-p 00000000 00:00 0", [(PAGE, 3 * PAGE)]),
        (f"{PAGE + 4096:x}-{3 * PAGE + 4096:x} rw-p 00000000 00:00 0 [heap]", [(2 * PAGE, 3 * PAGE)]),
        (f"{PAGE + 4096:x}-{2 * PAGE + 4096:x} rw-p 00000000 00:00 0", []),
        (f"{PAGE:x}-{3 * PAGE:x} rw-p 00000000 00:00 0 [stack]", []),
        (f"{PAGE:x}-{3 * PAGE:x} rw-s 00000000 00:01 0", []),
        (f"{PAGE:x}-{3 * PAGE:x} ---p 00000000 00:00 0", []),
        (f"{PAGE:x}-{3 * PAGE:x} rw-p 00000000 fe:00 7 /usr/lib/a name with spaces.so", []),
    ],
)
def test_only_whole_pages_of_memory_without_a_file_are_named(line: str, expected: list[tuple[int, int]]) -> None:
    assert huge_pages._ranges(f"{line}\n") == expected


def test_a_system_that_does_not_tell_what_is_where_is_left_alone(tmp_path: Path) -> None:
    assert huge_pages.collapse(tmp_path / "maps") == 0


def test_what_was_loaded_stays_as_it_is() -> None:
    # In a process of its own: this one goes on as it is.
    program = (
        "from riskapi.server import huge_pages\n"
        "held = [bytes([each % 256]) * 4096 for each in range(8192)]\n"
        "print(huge_pages.collapse())\n"
        "assert all(row == bytes([each % 256]) * 4096 for each, row in enumerate(held))\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert int(said.stdout) >= 0
