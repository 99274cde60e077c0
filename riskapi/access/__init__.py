"""Who may come in, and what they did: API keys and what was answered under a key of the caller; users, their passwords,
passkeys and sessions, how often they may try; and the audit log.
"""
