"""HMACs of what accounts share: as RFC 2104 has them, in any number of threads."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from riskapi.links.macs import Macs

KEY = b"0123456789abcdef"


def plain(key: bytes, kind: str, value: str) -> str:
    text = f"{kind}\0{value}".encode("utf-8", "surrogatepass")
    return urlsafe_b64encode(hmac.digest(key, text, "sha256")[:12]).decode()


@given(
    st.binary(min_size=16, max_size=100),
    st.sampled_from(["mailbox", "ip"]),
    st.text(st.characters(exclude_categories=[])),
)
def test_it_is_that_of_the_standard_library(key: bytes, kind: str, value: str) -> None:
    macs = Macs(key)
    for _ in range(2):
        assert macs.of(kind, value) == plain(key, kind, value)


def test_threads_do_not_mix_what_they_ask_for() -> None:
    macs, values = Macs(KEY), [f"{number}@ruiz.example" for number in range(2000)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda value: macs.of("mailbox", value), values))
    assert found == [plain(KEY, "mailbox", value) for value in values]
