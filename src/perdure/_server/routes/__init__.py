"""The routes of the API, a module a resource; each has a `router`."""
