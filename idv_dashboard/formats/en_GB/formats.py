"""How Django itself writes moments, in support's admin: as our pages do, to the second, in UTC."""

DATETIME_FORMAT = "j M Y, H:i:s e"
SHORT_DATETIME_FORMAT = DATETIME_FORMAT
