"""Feeds: webhooks of mail providers, each read into the one form of :mod:`riskapi.feedback.reports`."""
