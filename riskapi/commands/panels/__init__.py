"""Commands by the panel of the help in which they stand; these modules declare, and import what does it when called."""
