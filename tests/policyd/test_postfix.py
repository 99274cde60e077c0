"""A real Postfix asks the real policyd, which asks riskapi."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import postfix
from tests.conftest import BOOTSTRAP_KEY, Service
from tests.policyd.process import Policyd
from tests.ports import free_ports

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(postfix.missing() is not None, reason=postfix.missing() or ""),
]
#: What each account may send in an hour: the tier "limit" of the shipped policy.
HOURLY = 5
ACCOUNTS = ("u_data", "u_end", "u_both", "u_rcpt", "u_away", "u_spelled", "u_never")
REASON = "the hourly sending limit is reached, try again after 20"


@pytest.fixture
def riskapi(serve: Callable[..., Service]) -> Service:
    """The real service, with accounts that are held to the tier ``limit``."""
    service = serve()
    for number, user_id in enumerate(ACCOUNTS):
        signup = {"account": {"user_id": user_id}, "email": {"address": f"{user_id}@sender{number}.example"}}
        assert service.request("POST", "/v1/signups", signup)[0] == 200
        label = {"label": "abuse", "source": "manual_review"}
        assert service.request("POST", f"/v1/accounts/{user_id}/labels", label)[1]["tier"] == "limit"
    return service


def people(count: int) -> list[str]:
    return [f"p{number}@customer.example" for number in range(count)]


def codes(said: list[postfix.Answer]) -> list[int]:
    return [code for code, _ in said]


def test_a_granted_mail_goes_out_and_a_denied_one_waits_with_the_reason(riskapi: Service, tmp_path: Path) -> None:
    [port] = free_ports(1)
    ask = f"check_policy_service inet:127.0.0.1:{port}"
    policyd = Policyd(
        tmp_path,
        RISKAPI_POLICYD_BIND=f"127.0.0.1:{port}",
        RISKAPI_POLICYD_URL=riskapi.url,
        RISKAPI_POLICYD_API_KEY=BOOTSTRAP_KEY,
    )
    try:
        with postfix.running(
            {
                "data": f"smtpd_data_restrictions = {ask}",
                "end": f"smtpd_end_of_data_restrictions = {ask}",
                "both": f"smtpd_data_restrictions = {ask}; smtpd_end_of_data_restrictions = {ask}",
                "rcpt": f"smtpd_recipient_restrictions = {ask}",
            }
        ) as server:
            policyd.ready()
            at_data(server)
            at_the_end_of_the_message(server)
            at_both(server)
            at_each_recipient(server)
            in_other_capitals(server)
            more_than_ever_fits(server, riskapi)
            of_nobody(server)
            while_riskapi_is_away(server, riskapi)
            while_policyd_is_away(server, policyd)
    finally:
        policyd.process.kill()
        policyd.process.wait()


def at_data(server: postfix.Postfix) -> None:
    """All recipients or none, before the content is sent."""
    with server.session("data", "u_data") as session:
        assert codes(postfix.send(session, "data one", people(3))) == [250, 250, 250, 354, 250]
        said = postfix.send(session, "data two", people(3))
        assert codes(said) == [250, 250, 250, 450]
        assert said[-1][1].startswith(f"4.7.1 <DATA>: Data command rejected: {REASON}")
        assert codes(postfix.send(session, "data three", people(2))) == [250, 250, 354, 250]
        assert codes(postfix.send(session, "data four", people(1))) == [250, 450]
    assert server.delivered("data one") == people(3)
    assert server.delivered("data three") == people(2)


def at_the_end_of_the_message(server: postfix.Postfix) -> None:
    """All recipients or none, once the content is there."""
    with server.session("end", "u_end") as session:
        assert codes(postfix.send(session, "end one", people(4))) == [250, 250, 250, 250, 354, 250]
        said = postfix.send(session, "end two", people(2))
        assert codes(said) == [250, 250, 354, 450]
        assert said[-1][1].startswith(f"4.7.1 <END-OF-MESSAGE>: End-of-data rejected: {REASON}")
        assert codes(postfix.send(session, "end three", people(1))) == [250, 354, 250]
    assert server.delivered("end one") == people(4)


def at_both(server: postfix.Postfix) -> None:
    """Asked twice, counted once."""
    with server.session("both", "u_both") as session:
        assert codes(postfix.send(session, "both one", people(HOURLY)))[-2:] == [354, 250]
        assert codes(postfix.send(session, "both two", people(1))) == [250, 450]


def at_each_recipient(server: postfix.Postfix) -> None:
    """As many recipients as there is room for."""
    with server.session("rcpt", "u_rcpt") as session:
        said = postfix.send(session, "rcpt one", people(HOURLY + 2))
        assert codes(said) == [*[250] * HOURLY, 450, 450, 354, 250]
        assert said[HOURLY][1].startswith(f"4.7.1 <p5@customer.example>: Recipient address rejected: {REASON}")
    assert server.delivered("rcpt one") == people(HOURLY)


def in_other_capitals(server: postfix.Postfix) -> None:
    """The same account, however the login is written."""
    with server.session("end", "u_spelled") as session:
        assert codes(postfix.send(session, "spelled one", people(HOURLY)))[-1] == 250
    for login in ("U_SPELLED", "U_Spelled"):
        with server.session("end", login) as session:
            assert codes(postfix.send(session, login, people(1))) == [250, 354, 450]


def more_than_ever_fits(server: postfix.Postfix, riskapi: Service) -> None:
    """Refused for good; the same message to fewer waits."""
    caps = {"hourly": 3, "daily": 10, "monthly": 100, "reason": "agreed"}
    assert riskapi.request("PUT", "/v1/accounts/u_never/caps", caps)[0] == 200
    for port, asked in (("data", 5), ("end", 6)):
        with server.session(port, "u_never") as session:
            said = postfix.send(session, "never", people(asked))
            assert said[-1][0] == 554, said
            assert said[-1][1].startswith("5.5.3 <")
            assert said[-1][1].endswith("this account can never send to so many recipients at once, send to fewer")
    with server.session("end", "u_never") as session:
        assert codes(postfix.send(session, "fits", people(2)))[-1] == 250
        assert codes(postfix.send(session, "fits later", people(2)))[-1] == 450


def of_nobody(server: postfix.Postfix) -> None:
    """Mail that counts for no account goes out."""
    for login in ("", "stranger"):
        with server.session("end", login) as session:
            assert codes(postfix.send(session, f"nobody {login}", people(9)))[-2:] == [354, 250]


def while_riskapi_is_away(server: postfix.Postfix, riskapi: Service) -> None:
    """The setting: mail waits."""
    with server.session("data", "u_away") as session:
        assert codes(postfix.send(session, "away one", people(1)))[-1] == 250
        riskapi.stop()
        said = postfix.send(session, "away two", people(1))
        assert codes(said) == [250, 450]
        assert said[-1][1].endswith("the sending limit cannot be checked now, try again later")


def while_policyd_is_away(server: postfix.Postfix, policyd: Policyd) -> None:
    """Postfix' own default: mail waits."""
    with server.session("data", "u_away") as session:
        assert policyd.stop() == 0
        assert codes(postfix.send(session, "away three", people(1))) == [250, 451]
