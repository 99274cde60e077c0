"""One request to send through the line: gather → decide → record, and what it gets while the store is away."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

import orjson
from pydantic import Field
from typing_extensions import TypedDict

from riskapi.accounts.accounts import Accounts
from riskapi.accounts.sending_account import SendingAccount
from riskapi.budgets.budgets import Budgets, remaining
from riskapi.budgets.grant_records import DeniedBy, Grant, GrantBasis, GrantRequest, LocalGrant, StoredGrant, least
from riskapi.budgets.limits import Counts
from riskapi.clusters.clusters import Clusters
from riskapi.errors import Problem, StoreUnavailable
from riskapi.links.entities import Links
from riskapi.links.kinds import MessageEntities
from riskapi.links.sites import Sites
from riskapi.lists import lists
from riskapi.lists.matching import Listed, linked, of_links
from riskapi.metrics import Metrics
from riskapi.policy import Policy
from riskapi.policy.active import ActiveBasis
from riskapi.sending.allowances import Allowance, Allowances, Read
from riskapi.sending.established import EstablishedCustomers
from riskapi.sending.holds import Holds
from riskapi.sending.outage import LocalGrants
from riskapi.sending.shared_content import SharedContent
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from signals.records import record

#: Times a grant is tried anew because the cluster or the tier changed meanwhile; far more than any race measured.
_TRIES = 100


@record
class Message:
    """What the mail says, as far as the caller tells: the domains it links to, a fingerprint of its content, and the
    domain it is from.
    """

    link_domains: tuple[str, ...] = ()
    fingerprint: str | None = None
    from_domain: str | None = None


@record
class SendAnswer:
    """What a sender gets. ``replay`` tells that it is the first answer under an Idempotency-Key given again."""

    body: Grant
    replay: bool


class Released(TypedDict):
    """What was given back, and what is left after it."""

    reservation_id: str
    released: Annotated[int, Field(ge=1)]
    remaining: Counts


class Grants:
    """Grants recipients and takes back what was not sent. One a worker process; safe to share between its threads."""

    def __init__(
        self,
        store: Store,
        active: ActiveBasis,
        accounts: Accounts,
        links: Links,
        clusters: Clusters,
        allowances: Allowances,
        budgets: Budgets,
        local: LocalGrants,
        holds: Holds,
        established: EstablishedCustomers,
        metrics: Metrics,
        awaits: Callable[[str], bool],
    ) -> None:
        """``awaits`` tells whether an account was acknowledged on this machine and waits to be recorded."""
        self._awaits = awaits
        self._established, self._shared_content = established, SharedContent(store, links)
        self._sites = Sites(store)
        self._store, self._active, self._accounts = store, active, accounts
        self._links, self._clusters = links, clusters
        self._allowances, self._budgets, self._local = allowances, budgets, local
        self._holds, self._metrics = holds, metrics

    def send(
        self,
        user_id: str,
        recipients: int,
        message: Message,
        now: float,
        *,
        partial: bool = True,
        digest: str = "",
        repeat: str | None = None,
        any_case: bool = False,
    ) -> SendAnswer:
        """Grant recipients to an account at Unix time ``now``; without ``partial`` all of them or none.

        ``digest`` stands for the request, ``repeat`` for its Idempotency-Key, where it has one. With ``any_case`` the
        account is meant that :meth:`riskapi.accounts.accounts.Accounts.meant` finds. Raises ``not_found`` for an
        account never assessed, ``idempotency_conflict``, and ``unavailable`` where nothing can be granted because the
        store is away.
        """
        request = GrantRequest(user_id, recipients, partial, f"rsv_{secrets.token_hex(12)}", digest, repeat)
        policy = self._active.policy
        # Asked before the store is: afterwards it may have been recorded.
        awaited = self._awaits(user_id)
        try:
            if self._local.waits():
                self.record()
            if any_case:
                request = replace(request, user_id=self._accounts.meant(user_id))
            if (earlier := self._local.earlier(request)) is not None:
                return self._answered(earlier, request)
            grant = self._granted(request, message, policy, now)
        except StoreUnavailable:
            self._metrics.store_failure("send")
            return self._granted_locally(request, policy, now)
        except Problem as problem:
            if problem.code == "not_found" and (awaited or self._awaits(user_id)):
                return self._granted_locally(request, policy, now)
            raise
        # A reservation under another id than ours was made by an earlier request with the same key.
        replay = grant.reservation_id != request.reservation_id
        if not replay:
            self._local.remember(request.user_id, least(grant.remaining), now)
        self._count(grant.granted, recipients, "repeated" if replay else None)
        return SendAnswer(grant.answer(recipients), replay)

    def _granted(self, request: GrantRequest, message: Message, policy: Policy, now: float) -> StoredGrant:
        said = self._links.said(request.user_id, now, message.link_domains, message.fingerprint)
        if self._store.is_cluster and said.keys:  # elsewhere the script that touches them leaves them out
            own = self._accounts.things(request.user_id)
            said = replace(said, keys=tuple(each for each in said.keys if each[1] not in own))
        found, listing = self._first_look(message, said, policy, now)
        for _ in range(_TRIES):
            grant = self._budgets.grant(request, self._basis(request.user_id, found, listing, now), policy, now)
            if grant is not None:
                self._tell(request.user_id, grant, found, message, said, policy, now)
                return grant
            if found.usage.cluster:
                self._clusters.splits.renew(request.user_id, policy, now)
            known, found = found.usage.revision, self._look_again(said, policy, now)
            if found.assessed and found.account.revision < known:
                # It was read after its budget was, so that knows of an account that had this id before.
                self._accounts.revise(request.user_id, known)
                found = self._look_again(said, policy, now)
        raise StoreUnavailable("a budget changed too often to grant from it")

    def _first_look(
        self, message: Message, said: MessageEntities, policy: Policy, now: float
    ) -> tuple[Allowance, Listed | None]:
        """What the account may send, and the entry that names what its message links to.

        What the message says is touched in the same trip, and the account is joined to those who say the same.
        """
        user_id, hosts = said.user_id, self._links.hosts(message.link_domains)
        names, pipe = linked(hosts), self._store.pipeline()
        allowance = self._allowances.queue(pipe, user_id, now)
        listed = lists.queue(pipe, names)
        too_many = self._sites.queue(pipe, said, policy) if said.sites else list
        entities = self._links.queue_said(pipe, said, policy, account_key(user_id))
        self._store.run(pipe)
        found = self._allowance(allowance, said, policy)
        if gone := too_many():
            self._links.leave(user_id, gone)
        if said.keys:
            binding = self._shared_content.kept(user_id, entities())
            joined = self._clusters.join(user_id, binding, policy, now, whole=False)
            if joined is not None:  # the cluster's budget counts from this very grant on
                found = allowance(policy, joined.usage)
        return found, of_links(hosts, names, listed(), now)

    def _look_again(self, said: MessageEntities, policy: Policy, now: float) -> Allowance:
        """What the account may send by now, because that changed while it was granted."""
        pipe = self._store.pipeline()
        allowance = self._allowances.queue(pipe, said.user_id, now)
        self._store.run(pipe)
        return self._allowance(allowance, said, policy)

    def _allowance(self, allowance: Read, said: MessageEntities, policy: Policy) -> Allowance:
        try:
            return allowance(policy)
        except Problem:  # a stranger, who leaves no trace
            self._links.leave(said.user_id, said.touched)
            self._sites.forget(said.user_id)
            raise

    def _basis(self, user_id: str, found: Allowance, listing: Listed | None, now: float) -> GrantBasis:
        account, pause = found.account, found.account.pause
        denied_by: DeniedBy | None = None
        if pause is not None and pause.holds(found.usage.now):
            denied_by = "paused"
        elif listing is not None and listing.list == "deny":
            denied_by = "list_link_domain"
        return GrantBasis(
            account.tier,
            account.revision if found.assessed else found.usage.revision,
            found.usage,
            found.allowed,
            self._local.unrecorded(user_id),
            hit=_hit(user_id, listing, now) if found.assessed else b"",
            denied_by=denied_by,
            denied_until=pause.expires_at if denied_by == "paused" and pause is not None else None,
            tells=found.assessed,
        )

    def _tell(
        self, user_id: str, grant: StoredGrant, found: Allowance, message: Message, said: MessageEntities,
        policy: Policy, now: float,
    ) -> None:  # fmt: skip
        """Tell the neighbours what happened to the budget, a reviewer of a jump, and a worker of the sender.

        The grant stands whatever becomes of this, so a store that goes away just now is no reason to refuse it.
        """
        account = found.account
        with contextlib.suppress(StoreUnavailable, Problem):
            if grant.held:
                self._metrics.hold(policy.takeover.mode)
                if policy.takeover.mode == "live" and found.assessed:
                    self._holds.open(user_id, grant.at, found.allowed.usual or 0, policy)
            self._established.note(user_id, found, policy, now)
            if said.keys and self._store.is_cluster and found.assessed:  # elsewhere the script that touches them does
                self._mark_said(said, account)
            if (grant.near or grant.out) and found.assessed:
                keys = list(self._accounts.standing(user_id).entities.values())
                self._links.mark_spent(user_id, keys, now, out=grant.out, near=grant.near)
            if message.from_domain and found.assessed and grant.granted:
                domain = self._links.sender(message.from_domain)
                if domain is not None and domain != account.from_domain:
                    self._accounts.send_from(user_id, domain, now, policy)

    def _mark_said(self, said: MessageEntities, account: SendingAccount) -> None:
        """Mark what a message says with the standing of its sender."""
        if self._accounts.standing(said.user_id).label == "abuse":
            self._links.mark(said.user_id, said.sites, abusive=True, limited=False)
        elif account.established is not None and account.tier != "limit":
            since = account.established
            self._links.mark(said.user_id, said.touched, abusive=False, limited=False, established=since)

    def _granted_locally(self, request: GrantRequest, policy: Policy, now: float) -> SendAnswer:
        return self._answered(self._local.grant(request, policy, now), request)

    def _answered(self, local: LocalGrant, request: GrantRequest) -> SendAnswer:
        """The answer of a grant that the store does not know yet, made for this request or an earlier one like it."""
        replay = local.reservation_id != request.reservation_id
        self._count(local.granted, request.recipients, "repeated" if replay else "local")
        return SendAnswer(local.stored().answer(request.recipients), replay)

    def record(self) -> None:
        """Record what was granted while the store was away. Raises :class:`StoreUnavailable` when it is away again."""
        self._metrics.settled(self._local.record(self._active.policy))

    def rejected(self) -> int:
        """Grants made while the store was away that cannot be read, and so not counted."""
        return self._local.rejected()

    def close(self) -> None:
        """Let go of the journal of grants."""
        self._local.close()

    def release(self, reservation_id: str, recipients: int, now: float, repeat: str | None = None) -> Released:
        """Give back recipients of a reservation at Unix time ``now``, under the same ``repeat`` once.

        Raises ``not_found``, also for an account that is gone, of which nothing is given back; ``over_release`` and
        :class:`StoreUnavailable`.
        """
        policy = self._active.policy
        user_id = self.reserved_by(reservation_id)
        found = self._allowances.of(user_id, policy, now)  # before anything changes: the account may be gone
        release_id = repeat or secrets.token_hex(12)
        usage = self._budgets.release(reservation_id, user_id, recipients, release_id, policy, now)
        left = remaining(usage, found.allowed)
        self._local.remember(user_id, least(left), now)
        self._metrics.recipients("released", recipients)
        return {"reservation_id": reservation_id, "released": recipients, "remaining": left}

    def reserved_by(self, reservation_id: str) -> str:
        """The account that a reservation is of. Raises ``not_found`` and :class:`StoreUnavailable`."""
        if self._local.waits():
            self.record()
        return self._budgets.reserved_by(reservation_id)

    def _count(self, granted: int, wanted: int, result: str | None) -> None:
        self._metrics.send(result or ("granted" if granted == wanted else "partial" if granted else "denied"))
        if result != "repeated":
            self._metrics.recipients("granted", granted)
            self._metrics.recipients("denied", wanted - granted)


def _hit(user_id: str, listing: Listed | None, now: float) -> bytes:
    """What the stream is told of an entry that names what a message links to; nothing where it only lets it pass."""
    if listing is None or listing.list == "allow":
        return b""
    return orjson.dumps({"user_id": user_id, "entry": listing.id, "list": listing.list, "at": now})
