"""Who is asking, on whose behalf, and what they did. Imports nothing else of ours.

models       partners, roles, users, memberships; the audit log, its heads and checkpoints
access       who may reach a view: each view declares it, or the program does not start
middleware   request.membership: the partner this user works for now, and in which role
adapter      how people sign in, with forms, passkeys and views beside it;  sessions  how long
audit        record(): the only writer of the audit log
checkpoints  signed sums over it;  proof  that nobody else wrote
guards       append-only by trigger, on SQLite and on PostgreSQL
partners     memberships: what support changes;  support  admin  its pages, seen  the version check
"""
