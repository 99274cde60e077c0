"""Names that every resolver knows: one that does not is not believed when it says that something does not exist."""

from __future__ import annotations

from riskapi.enrichment.probes import WIDE

#: Zones for :class:`tests.upstreams.DnsServer` that make it a resolver to believe. Addresses are invented.
KNOWN: dict[str, dict[str, list[str]]] = {
    ".": {"NS": ["a.root-servers.net", "b.root-servers.net"]},
    **{name: {"MX": [f"10 mx.{name}"], "A": ["192.0.2.53"], "TXT": ["v=spf1 mx -all"]} for name in WIDE},
    **{f"_dmarc.{name}": {"TXT": ["v=DMARC1; p=none"]} for name in WIDE},
    "qq.com": {"MX": ["10 mx3.qq.com"]},
}
