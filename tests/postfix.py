"""A real Postfix on ports of loopback, with a configuration and a queue of its own, that delivers to a sink."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import smtplib
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_ports
from tests.waiting import until

#: Debian keeps both where the path of a user may not lead.
PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
MAIN = """compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/data/log
maillog_file_prefixes = {home}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.riskapi.example
mydestination =
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{sink}
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
smtp_host_lookup = native
alias_maps =
local_recipient_maps =
"""
MASTER = """postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
"""
BODY = "Hello"
Answer = tuple[int, str]


@dataclass(frozen=True)
class Postfix:
    """``ports`` has a port of Postfix for each of the configurations it was started with."""

    home: Path
    ports: dict[str, int]

    @contextlib.contextmanager
    def session(self, name: str, login: str = "") -> Iterator[smtplib.SMTP]:
        """Speak to a port, logged in: XCLIENT gives smtpd the login that SASL would."""
        with smtplib.SMTP("127.0.0.1", self.ports[name], timeout=30) as session:
            session.ehlo()
            if login:
                assert session.docmd("XCLIENT", f"LOGIN={login}")[0] == 220
                session.ehlo()
            yield session

    def delivered(self, subject: str) -> list[str]:
        """Recipients of the message with this subject, as the sink was told them; waits for it to be there."""
        found: list[Path] = []

        def arrived() -> bool:
            found[:] = [path for path in (self.home / "sink").iterdir() if _holds(path.read_text(), subject)]
            return bool(found)

        until(arrived)
        return sorted(re.findall(r"X-Rcpt-Args: <(.+?)>", "".join(path.read_text() for path in found)))


def missing() -> str | None:
    """Why Postfix cannot be run here; None when it can."""
    if shutil.which("postfix", path=PATH) is None:
        return "there is no postfix here (Debian: apt-get install postfix)"
    return None if os.geteuid() == 0 else "Postfix can only be started by root"


def send(session: smtplib.SMTP, subject: str, recipients: Sequence[str]) -> list[Answer]:
    """Every answer: to each recipient, to DATA and, when it may go on, to the message. The sender is Ana."""
    assert session.mail("ana@ruiz.example")[0] == 250
    said = [session.rcpt(recipient) for recipient in recipients]
    said.append(session.docmd("DATA"))
    if said[-1][0] == 354:
        session.send(f"From: ana@ruiz.example\r\nSubject: {subject}\r\n\r\n{BODY}\r\n.\r\n")
        said.append(session.getreply())
    session.rset()
    return [(code, text.decode()) for code, text in said]


@contextlib.contextmanager
def running(restrictions: dict[str, str]) -> Iterator[Postfix]:
    """Start Postfix with one port for each value, which holds parameters of main.cf for this port alone."""
    # Not in pytest's directory, which root alone may enter: Postfix is somebody else most of the time.
    with tempfile.TemporaryDirectory(prefix="riskapi-postfix-") as name, contextlib.ExitStack() as stack:
        home = Path(name)
        home.chmod(0o755)
        sink, *ports = free_ports(1 + len(restrictions))
        for directory in ("config", "queue", "data", "sink"):
            (home / directory).mkdir(mode=0o755)
        for directory in ("data", "sink"):
            shutil.chown(home / directory, "postfix")
        services = "".join(
            f"127.0.0.1:{port} inet n - n - - smtpd -o {{ {parameters} }}\n".replace("; ", " } -o { ")
            for port, parameters in zip(ports, restrictions.values(), strict=True)
        )
        (home / "config/main.cf").write_text(MAIN.format(home=home, sink=sink))
        (home / "config/master.cf").write_text(MASTER + services)
        stack.enter_context(_sink(home, sink))
        _postfix(home, "start")
        stack.callback(_postfix, home, "stop")
        yield Postfix(home, dict(zip(restrictions, ports, strict=True)))


@contextlib.contextmanager
def _sink(home: Path, port: int) -> Iterator[None]:
    """An SMTP server of the Postfix package that takes everything and writes each message into a file."""
    program = shutil.which("smtp-sink", path=PATH) or ""
    command = [program, "-u", "postfix", "-d", f"{home}/sink/", f"127.0.0.1:{port}", "10"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _holds(message: str, subject: str) -> bool:
    """Whether this is the whole message with this subject."""
    return f"Subject: {subject}\n" in message and message.endswith(f"{BODY}\n\n")


def _postfix(home: Path, action: str) -> None:
    command = [shutil.which("postfix", path=PATH) or "", "-c", str(home / "config"), action]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={"PATH": PATH})
    log = home / "data/log"
    assert done.returncode == 0, done.stderr + (log.read_text() if log.exists() else "")
