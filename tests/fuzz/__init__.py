"""Requests that no browser would send: none may be answered with a 5xx."""
