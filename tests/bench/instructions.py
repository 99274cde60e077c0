"""Instructions of a signup, stage by stage: ``python -m tests.bench instructions``.

Processor time on a shared machine swings by half, and a saving of two percent cannot be seen in it. valgrind counts the
instructions themselves (https://valgrind.org/docs/manual/cl-manual.html), to half a percent the same each time; three
make up about a nanosecond. The store is another process, and not counted.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import signals
from riskapi.api.flask_app import build
from riskapi.decisions import decide
from riskapi.inputs.signup import Signup
from tests.bench import in_process, stages
from tests.bench.bodies import bodies
from tests.bench.servers import KEY

#: Signups counted, and signups before, so that parsers and caches are as they are in service.
_COUNT, _WARM = 40, 150
#: What begins the names of the files that valgrind writes, and the variable that tells the counted process its folder.
_DUMPS, _FOLDER = "counted", "BENCH_COUNTED"


def main(words: Sequence[str]) -> int:
    """Count, and print thousands of instructions a signup; 2 where valgrind is missing."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench instructions", description=__doc__)
    parser.add_argument("--count", type=int, default=_COUNT, help="signups of each stage (%(default)s)")
    count = max(1, parser.parse_args(words).count)
    inside = os.environ.get(_FOLDER)
    if inside is not None:
        _run(Path(inside), count)
        return 0
    if shutil.which("valgrind") is None:
        print("valgrind is needed to count instructions: apt-get install valgrind", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="riskapi-bench-") as name:
        print(f"counting {count} signups of each stage: about a minute", file=sys.stderr)
        command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={name}/{_DUMPS}"]
        command += [sys.executable, "-m", "tests.bench", "instructions", "--count", str(count)]
        # Without hash randomization each run counts the same.
        environment = {**os.environ, _FOLDER: name, "PYTHONHASHSEED": "0"}
        found = subprocess.run(command, env=environment, capture_output=True, text=True)
        if found.returncode:
            print(found.stderr, file=sys.stderr)
            return found.returncode
        counted = read(path.read_text(errors="replace") for path in Path(name).glob(f"{_DUMPS}.*"))
    for line in lines({stage: total / count for stage, total in counted.items()}):
        print(line)
    return 0


def read(dumps: Iterable[str]) -> dict[str, int]:
    """Instructions by stage, from the text of callgrind's dumps, each made when its stage had ended."""
    found = {}
    for text in dumps:
        stage = re.search(r"^desc: Trigger: dump (\w+)$", text, re.MULTILINE)
        totals = re.findall(r"^totals: (\d+)$", text, re.MULTILINE)
        if stage and totals:
            found[stage[1]] = int(totals[-1])
    return found


def lines(counted: dict[str, float]) -> list[str]:
    """The table, from instructions a signup by stage."""
    before = ("parse", "gather", "read", "decide")
    rows = {name: counted[name] for name in ("validate", *before)}
    rows["record"] = counted["line"] - sum(counted[name] for name in before)
    rows["HTTP"] = counted["http"] - counted["line"] - counted["validate"]
    rows["together"] = counted["http"]
    return ["thousands of instructions a signup", *(f"  {name:10s}{value / 1000:9.1f}" for name, value in rows.items())]


def _run(folder: Path, count: int) -> None:
    """Go through the stages, with valgrind told when each begins and ends."""
    with in_process.serving(in_process.settings_of(folder / "data", KEY, enrichment="on")) as service:
        served = build(service.parts)
        for body in itertools.islice(bodies(5, "warm"), _WARM):
            in_process.sign_up(service, body)
        assessor, basis = service.parts.assessor, service.active.basis
        gatherer, now = assessor.gatherer, time.time()

        def posted(seed: int, label: str) -> list[bytes]:
            return list(itertools.islice(bodies(seed, label), count))

        parsed = _counted(
            "parse",
            lambda signup: (signup.account.user_id, gatherer.parse(signup, now).facts),
            _counted("validate", Signup.model_validate_json, posted(2, "a")),
        )
        gathered = _counted("gather", lambda each: gatherer.gather(each[0], each[1], basis.policy), parsed)
        readings = _counted("read", lambda each: signals.read(each.facts), gathered)
        _counted("decide", lambda each: decide.decide(each, basis.scorer, basis.policy), readings)
        apart = [Signup.model_validate_json(body) for body in posted(3, "b")]
        _counted("line", lambda signup: assessor.signup(signup, time.time()), apart)
        _counted("http", partial(stages.serve, served), [stages.environ(body, KEY) for body in posted(4, "c")])


def _counted(stage: str, work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    _tell("-z")
    _tell("-i", "on")
    found = [work(item) for item in items]
    _tell("-i", "off")
    _tell("-d", stage)
    return found


def _tell(*words: str) -> None:
    subprocess.run(["callgrind_control", *words, str(os.getpid())], check=True, capture_output=True)
