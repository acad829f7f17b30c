"""Verifications, from the provider's callback to what the partner is told.

statuses       which statuses there are, and the arrows between them;  codes  the wire in words
models/        nouns: verification, findings, reasons, decisions, notes, disposals, callbacks, …
vault          where rows are sealed and opened, under a key for each verification
beside         what stands beside one verification
rotation       from a former master key to a new one
policy         may this person do this, and why not;  reasons  why not the applicant, to choose from
counters       how many, noted beside each change;  folding  into sums, by the worker
lifecycle      move(): the one door through which a status changes;  outcomes  what would be set
decisions      decide(), undo(); the other verbs: tags, notes, holds, disposal with lost_files
saved_views    what people save of the list for themselves
callbacks/     edge to the provider: its dialect, intake, effect, findings, photos
webhooks/      edge to partners: payloads, signing, outbox, claims, delivery, endpoints
transport      one guarded request to an address that a stranger wrote
listing detail home confirm deliveries/ audit_log disposed buttons    pages as objects
audit_words    what the audit log tells, in words
exports        the list as a file;  report/  one verification as a file to hand on
dossier/ evidence pair glance watermark timeline figures keeping waiting    parts of pages
telling        who is told of a decision, and when;  frame  around each page
search  keyset  address  fields  forms    what pages stand on
drawing        the language of the pages;  looks  how things look in words and shapes
spreadsheet    files for people, line by line
names/         the index of words by which a name is found by any fragment: keeping, finding, proof
question       what is asked of the list, along one index and within a budget;  plan  walk  to it
history/       whether rows and the audit log tell the same;  chores  worker  by the clock
views/         edge to people;  admin  for support;  demo/  what make run shows
checks         what a production refuses to start with
"""
