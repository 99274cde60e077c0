"""From readings to a calibrated probability of abuse, and what each reading contributed to it."""
