"""What no form offers and no browser sends."""

import json
from typing import Any

TEXTS = [
    "", " ", "\0", "a\0b", "\ud800", "\udfff\ud800", "\ufeff", "\ufffe", "\u202eabc\u202c",
    "\u200b", "\x1b[31m", "\r\nSet-Cookie: a=b", "\x85", "\U0010ffff", "A" * 10_000, "é" * 3000,
    "0", "-1", "1", "00", "1e25", "9" * 19, "9" * 400, "٣", "１２", "1_0", "5.0", "+5", "NaN",
    "0001-01-01", "9999-12-31", "1900-01-01", "2100-12-31", "2024-02-30", "-0001-01-01",
    "10000-01-01", "%", "%%s", "_", "\\", "'", "' OR 1=1 --", "{{7*7}}", "${7*7}", "=1+1",
    "@SUM(A1)", "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:x",
    "//evil.example", "https:evil", "/\\evil", "../../etc/passwd", ".", "..", "[]", "{}", "null",
    "true", "a__b", "password__startswith", "999999999999999999-1", "0-0",
    "253402300800000000-1", "1790000000000000-999999999999999999",
    "00000000-0000-0000-0000-000000000000", "FRONT:90", "FRONT:91", ":90", "http://[", "http://[::1",
    "https://a.example:99999/", "https://1.2.3.4.5/", "X-A: b\nX-A: c", "APPROVED", "OTHER",
]  # fmt: skip

# Bytes as they stand in an address or in a form: not all of them are UTF-8.
RAW = ["%ff", "%fe%ff", "%c0%80", "%ed%a0%80", "%", "%zz", "%2500", "%2e%2e%2f", "%0d%0a", "+"]

NAMES = [
    "q", "status", "suspected", "final", "started", "from", "from_", "to", "document_type",
    "country", "platform", "review", "tag", "decided_by", "reason", "order", "after", "before",
    "days", "turn", "kind", "who", "scan_ref", "state", "code", "endpoint", "next", "partner",
    "theme", "shortcuts", "seen_revision", "request_key", "preview_digest", "preview", "afresh",
    "message_to_applicant", "internal_note", "reasons", "note", "decision", "seen_tries", "name",
    "address", "events", "headers", "active", "login", "password", "email", "oldpassword",
    "password1", "password2", "action", "_selected_action", "index", "select_across", "p", "o",
    "e", "all", "_to_field", "_popup", "_changelist_filters", "is_active__exact",
    "partner__id__exact",
    "stage__exact", "show", "rank", "user", "user_email", "role", "key", "may_approve", "plan",
    "group", "groups", "order", "needs_note", "sets", "label", "switched_off_why", "is_staff",
    "csrfmiddlewaretoken", "credential", "sessions", "seen", "why", "post",
    "again", "seen_role", "has_shortcuts", "is_superuser", "token",
]  # fmt: skip

KINDS = [
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-16",
    "application/x-www-form-urlencoded; charset=nonsense",
    "application/json",
    "text/plain",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=b; charset=utf-7",
    "multipart/form-data; boundary=" + "b" * 300,
    "",
    "\xff/\xff",
]

HEADERS = [
    "HTTP_ACCEPT_LANGUAGE", "HTTP_ACCEPT", "HTTP_COOKIE", "HTTP_REFERER", "HTTP_ORIGIN",
    "HTTP_RANGE",
    "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_NONE_MATCH", "HTTP_X_REQUESTED_WITH", "HTTP_USER_AGENT",
    "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_HOST", "CONTENT_LENGTH", "REMOTE_ADDR",
    "HTTP_IDENFY_SIGNATURE", "HTTP_IDENFY_EVENT_TYPE", "HTTP_SEC_FETCH_SITE", "HTTP_X_CSRFTOKEN",
]  # fmt: skip

VALUES: list[Any] = [
    None, True, 0, -1, 10**18, 10**400, 1.5, 1e308, [], {}, [[]], [None], {"": ""}, [1] * 50,
    {"a": {"b": {"c": []}}}, *TEXTS,
]  # fmt: skip


def broken_json(random: Any, whole: bytes) -> bytes:
    """A body of the provider with one thing wrong: a value, a missing key, or bytes."""
    way = random.random()
    if way < 0.3:
        place = random.randrange(len(whole))
        return whole[:place] + bytes([random.randrange(256)]) + whole[place + 1 :]
    if way < 0.4:
        return whole[: random.randrange(len(whole))]
    body = json.loads(whole)
    inner = random.choice([body, *(it for it in body.values() if isinstance(it, dict) and it)])
    key = random.choice(list(inner))
    if way < 0.5:
        del inner[key]
    else:
        inner[key] = random.choice(VALUES)
    return json.dumps(body).encode()
