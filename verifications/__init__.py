"""Verifications, from the provider's callback to what the partner is told.

statuses       which statuses there are, and the arrows between them
policy         may this person do this, and why not
models/        nouns: verification, findings, reasons, decisions, notes, callbacks, webhooks
lifecycle      move(): the one door through which a status changes
decisions      decide(), undo(); beside it the other verbs: tags, notes
callbacks/     edge to the provider: its dialect, intake
webhooks/      edge to partners: payloads, signing, outbox, transport, delivery
listing detail home    pages as objects;  search  keyset  what they stand on
views/         edge to people;  admin  for support
"""
