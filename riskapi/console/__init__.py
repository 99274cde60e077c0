"""The console: pages for people, in the process of the API and beside it."""
