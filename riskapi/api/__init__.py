"""HTTP: routes, requests and answers. Only this package and the console, which is built on it, know Flask."""
