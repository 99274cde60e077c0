"""Makes the model: simulated signups, rows recorded by a running service, training and honest figures."""
