"""What smtpd asks, and what it hears."""

from __future__ import annotations

import socket
from typing import Any

FREE, WAIT = "DUNNO", "DEFER_IF_PERMIT"


class Postfix:
    """What smtpd does: one connection, many questions."""

    def __init__(self, address: Any) -> None:
        self._socket = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        self._socket.settimeout(10)
        try:
            self._socket.connect(address)
        except OSError:
            self._socket.close()
            raise
        self._answers = self._socket.makefile("rb")

    def send(self, content: bytes) -> None:
        self._socket.sendall(content)

    def answer(self) -> str | None:
        """The action; None when the connection ended instead."""
        try:
            line = self._answers.readline()
        except ConnectionResetError:
            return None
        if not line:
            return None
        assert line.startswith(b"action=") and self._answers.readline() == b"\n"
        return line.decode().removeprefix("action=").strip()

    def ask(self, stage: str = "RCPT", **attributes: object) -> str | None:
        first = {"request": "smtpd_access_policy", "protocol_state": stage, "instance": "1.2.3", "sasl_username": "u_1"}
        content = "".join(f"{name}={value}\n" for name, value in {**first, **attributes}.items())
        self.send(content.encode() + b"\n")
        return self.answer()

    def close(self) -> None:
        self._answers.close()
        self._socket.close()
