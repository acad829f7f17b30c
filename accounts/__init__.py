"""Who is asking, on whose behalf, and what they did. Imports nothing else of ours.

models       partners, roles, users, memberships; invitations, rights; the audit log and its proofs
access       who may reach a view: each view declares it, or the program does not start
recent       whether it was proven lately who is there
unsent       forms that could not be sent before it was proven, until they are
authentication  request.user, from what comes with the session (models.session)
middleware   request.membership: the partner this user works for now, and in which role
adapter      how people sign in, with forms, passkeys and views beside it;  sessions  how long
team         what Admins do to each other;  invitations  who may join;  profiles  about oneself
audit        record(): the only writer of the audit log
budgets      how much of other people's data one person may take
checkpoints  signed sums over it;  proof  that nobody else wrote
sealing      what opens only with its key, in its place
lone         secrets that stand alone in a row, read as if in clear
statements   queries whose SQL is written once, with slots for values;  instances  of their rows,
             cursors  by which they reach their database
insertions   new rows whose SQL is written once;  updates  columns of a row
guards       append-only by trigger, on SQLite and on PostgreSQL
letters      the one door by which they go out, after the request;  emails  another for a user
own_access   what people change about how they sign in, logged and told
rights       support's own, given by two;  rights_admin  its pages
partners     memberships: what support changes;  support  admin  its pages, seen  the version check,
             twice  pressed twice;  fields  of their forms and of others
"""
