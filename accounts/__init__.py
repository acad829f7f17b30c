"""Who is asking, on whose behalf, and what they did. Imports nothing else of ours.

models      partners, roles, users, memberships; the audit log and its heads
access      who may reach a view: each view declares it, or the program does not start
audit       record(): the only writer of the audit log
guards      append-only by trigger, on SQLite and on PostgreSQL
middleware  request.membership: the partner this user works for now, and in which role
"""
