"""Ask riskapi about a signup, and create the account whatever it answers. Standard library only.

    RISK_API_KEY=rk_… python signup.py < signup.json

RISK_API_URL (http://127.0.0.1:8000) says where riskapi is. signup.json is the body of POST /v1/signups. Prints as JSON
the account as you would create it: what it may send, and whether a job should ask again because nobody answered.
"""

import json
import os
import sys
import time
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

URL = os.environ.get("RISK_API_URL", "http://127.0.0.1:8000")
KEY = os.environ.get("RISK_API_KEY", "")
#: Seconds one try may wait for an answer. Two tries and the pause are the most a visitor waits: about four seconds.
PATIENCE, PAUSE = 2.0, 0.2
#: What an account may send while nobody has answered: enough to try the product, nothing for a spam run.
OWN_CAPS = {"hourly": 10, "daily": 20, "monthly": 60}


def assess(signup: dict[str, Any]) -> dict[str, Any]:
    """The assessment. Asks a second time when no answer came; the same user_id makes that safe: it counts once."""
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    request = Request(f"{URL}/v1/signups", json.dumps(signup).encode(), headers, method="POST")
    tries = 2
    while True:
        tries -= 1
        try:
            with urlopen(request, timeout=PATIENCE) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except (OSError, ValueError) as error:
            refused = isinstance(error, HTTPError) and error.code < 500
            if refused or tries == 0:  # asking again would not change a refusal
                raise
            time.sleep(PAUSE)


def new_account(signup: dict[str, Any]) -> dict[str, Any]:
    """The account to create. Always one: riskapi says how much it may send, never whether it may exist."""
    account = {"user_id": signup["account"]["user_id"]}
    try:
        found = assess(signup)
        limits = {window: found["limits"][window] for window in OWN_CAPS}
        return {**account, "decision": found["decision"], "limits": limits, "ask_again": False}
    except HTTPError as error:
        # A 4xx is a mistake of ours, such as a wrong key: somebody has to look. The visitor cannot help it.
        what = "refused the signup" if error.code < 500 else "did not answer"
        print(f"riskapi {what}: {error.code} {error.read(2000).decode(errors='replace')}", file=sys.stderr)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"riskapi did not answer: {error}", file=sys.stderr)
    # Your job queue goes here: post the same signup again later, and put the caps of that answer on the account.
    return {**account, "decision": None, "limits": OWN_CAPS, "ask_again": True}


if __name__ == "__main__":
    print(json.dumps(new_account(json.load(sys.stdin))))
