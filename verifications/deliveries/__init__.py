"""Endpoints and deliveries as pages: queues, the list, and one delivery; in words."""
