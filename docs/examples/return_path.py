"""The envelope sender of an account's mail: bounces+<user_id>-<token>@<domain>. Python alone."""

import base64
import hashlib
import hmac
import sys


def return_path(user_id: str, domain: str, key: bytes) -> str:
    """The address for mail of this account; ``key`` is RISKAPI_FEEDBACK_RETURN_PATH_KEY."""
    written = user_id.replace("@", "=").replace(":", "~")
    made = hmac.new(key, b"riskapi return path 1\0" + written.lower().encode(), hashlib.sha256).digest()
    return f"bounces+{written}-{base64.b32encode(made[:10]).decode().lower()}@{domain}"


if __name__ == "__main__":
    print(return_path(sys.argv[1], sys.argv[2], sys.argv[3].encode()))
