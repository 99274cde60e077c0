"""URLs in messages of Amazon SNS: only Amazon's own are ever asked for anything.

A signature proves nothing when its certificate may come from anywhere, and an address that anybody can name must not be
fetched (server-side request forgery, CWE-918). So the whole text is matched, and nothing is parsed: no user, no port,
no other host that begins or ends like Amazon's, no path to what Amazon's customers store.
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html; hosts of regions:
https://docs.aws.amazon.com/general/latest/gr/sns.html.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import parse_qs

_HOST: Final = r"https://sns\.(?P<region>[a-z]{2,5}(?:-[a-z]{2,12}){1,2}-\d{1,2})\.amazonaws\.com(?:\.cn)?"
_AMAZON: Final = re.compile(rf"{_HOST}/[!-~]{{0,2048}}")
_CERTIFICATE: Final = re.compile(rf"{_HOST}/SimpleNotificationService-[A-Za-z0-9]{{1,128}}\.pem")
_SUBSCRIBE: Final = re.compile(rf"{_HOST}/\?(?P<query>[A-Za-z0-9&=%_.:~*+-]{{1,2048}})")


def is_amazons(address: Any) -> bool:
    """Whether an address is at SNS."""
    return isinstance(address, str) and _AMAZON.fullmatch(address) is not None


def is_certificate(address: Any) -> bool:
    """Whether an address is that of a certificate that SNS signs with."""
    return isinstance(address, str) and _CERTIFICATE.fullmatch(address) is not None


def confirms(address: Any, topic: str) -> bool:
    """Whether asking for an address confirms a subscription to this topic, in the topic's own region, and no more."""
    found = _SUBSCRIBE.fullmatch(address) if isinstance(address, str) else None
    if found is None or found["region"] != topic.split(":")[3]:
        return False
    query = parse_qs(found["query"])
    return query.get("Action") == ["ConfirmSubscription"] and query.get("TopicArn") == [topic]
