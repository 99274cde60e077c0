"""The application as an HTTP server's worker process loads it: ``riskapi.server.wsgi:gateway`` (``app`` for a WSGI
server).
"""

from __future__ import annotations

import gc
import logging
import os
import threading
import time

from riskapi import logs
from riskapi.accounts.packing import unpack
from riskapi.accounts.stored import packed_json
from riskapi.api.admission import Admission
from riskapi.api.flask_app import ROUTES
from riskapi.api.gateway import Gateway
from riskapi.app import Service, assemble
from riskapi.budgets import terms
from riskapi.console.application import application
from riskapi.decisions.answer import assessment
from riskapi.decisions.decide import decide
from riskapi.decisions.line import case_in_outage
from riskapi.inputs.signup import Signup
from riskapi.server import huge_pages
from riskapi.server.side_threads import watch
from riskapi.settings import Settings

#: Touches every parser once: some read their rules at first use, which no caller should wait for.
_SAMPLE = (
    '{"account": {"user_id": "warm-up", "name": "A B"}, "email": {"address": "a.b@mail.example"},'
    ' "phone": {"number": "+34600123123"}, "device": {"ip_address": "192.0.2.1", "user_agent": "Mozilla/5.0",'
    ' "accept_language": "es-ES", "time_zone": "Europe/Madrid"}}'
)


def _warm(service: Service) -> None:
    """Run the pure part of the line once; keep what was loaded out of every garbage collection to come, and have it
    found fast.
    """
    basis = service.active.basis
    gatherer, now = service.parts.assessor.gatherer, time.time()
    parsed = gatherer.parse(Signup.model_validate_json(_SAMPLE), now)
    case = case_in_outage(basis, "warm-up", parsed, gatherer.without_store(parsed.facts), now, terms.NONE)
    decide(case.readings, basis.scorer, basis.policy, explain=True)
    if basis.scorer is not None:
        # A model in shadow is asked for that later, and the first time takes 0.1 s.
        basis.scorer.explain(basis.scorer.score(case.readings))
    unpack(packed_json(assessment(case)))
    gc.collect()
    gc.freeze()
    huge_pages.collapse()


_settings = Settings.load(os.environ)
logs.configure(_settings.log_level)
_service = assemble(_settings)
_warm(_service)
app = application(_service.parts, _settings, _service.store)
gateway = Gateway(app, Admission(app.url_map, ROUTES, _service.parts).of, _settings.threads, _settings.body_seconds)
#: Stops the watch over journal, policy and data; a worker that ends takes the thread with it.
stop = threading.Event()
watch(_service, stop)
logs.note(logging.INFO, "http_worker_started", policy=_service.active.basis.policy.version)
