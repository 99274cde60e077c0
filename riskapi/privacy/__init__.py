"""Privacy: what is held of one account is given out whole, and erased.

What it shared with others may outlive it for some days, as keyed HMACs beside its ``user_id``: otherwise a spammer who
asks to be forgotten would get a new budget. :mod:`riskapi.privacy.erasures` says what goes, what stays, and until when.
"""
