"""Send one message to many people, as far as the account's budget goes. Standard library only.

    RISK_API_KEY=rk_… python send.py u_1001 newsletter.eml < recipients.txt

RISK_API_URL (http://127.0.0.1:8000) and SMTP_HOST (127.0.0.1:25) say where riskapi and the mail server are.
Prints as JSON who is left, to be put back into your queue, in how many seconds to ask for them, who was refused, and of
whom it is not known, because the mail server went away in the middle.
"""

import email
import json
import os
import smtplib
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

URL = os.environ.get("RISK_API_URL", "http://127.0.0.1:8000")
KEY = os.environ.get("RISK_API_KEY", "")
SMTP = os.environ.get("SMTP_HOST", "127.0.0.1:25")


def call(path: str, body: dict[str, Any]) -> dict[str, Any]:
    """POST to riskapi. Repeated under the same Idempotency-Key when no answer came, so that it counts once."""
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    headers["Idempotency-Key"] = str(uuid.uuid4())
    request = Request(URL + path, json.dumps(body).encode(), headers, method="POST")
    pauses = [1.0, 0.2]
    while True:
        try:
            with urlopen(request, timeout=2) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except OSError as error:
            repeat = not isinstance(error, HTTPError) or error.code in (409, 429) or error.code >= 500
            if not repeat or not pauses:
                raise
            time.sleep(pauses.pop())


def send(user_id: str, recipients: list[str], deliver: Callable[[str], object]) -> dict[str, Any]:
    """Deliver to as many as are granted, and give back what was not used."""
    grant = call(f"/v1/accounts/{quote(user_id, safe='')}/sends", {"recipients": len(recipients), "partial": True})
    granted, left = recipients[: grant["granted"]], recipients[grant["granted"] :]
    refused, unknown, untried = [], [], []
    for at, recipient in enumerate(granted):
        try:
            deliver(recipient)
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException):
            refused.append(recipient)  # nothing was sent
        except OSError as error:
            # This one may have been sent, so it counts; the rest was not tried.
            print(f"stopped: {error}", file=sys.stderr)
            unknown, untried = [recipient], granted[at + 1 :]
            break
    if unused := len(refused) + len(untried):
        call(f"/v1/reservations/{grant['reservation_id']}/release", {"recipients": unused})
    return {"left": untried + left, "retry_after": grant["retry_after"], "refused": refused, "unknown": unknown}


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    user_id, path = sys.argv[1:]
    with open(path, "rb") as file:
        message = email.message_from_binary_file(file)
    try:
        with smtplib.SMTP(SMTP) as smtp:
            said = send(user_id, sys.stdin.read().split(), lambda to: smtp.send_message(message, to_addrs=[to]))
    except HTTPError as error:
        sys.exit(f"riskapi answered {error.code}: {error.read().decode()}")
    except OSError as error:
        sys.exit(f"riskapi or the mail server does not answer: {error}")
    print(json.dumps(said))
