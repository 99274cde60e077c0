"""Requests of the API as the tests send them."""

from __future__ import annotations

GOOD = b'{"account":{"user_id":"u"},"email":{"address":"ana@ruiz.example"}}'


SIGNUP = "/v1/signups"
