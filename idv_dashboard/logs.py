"""Log lines that hold one event each, and no personal data."""

import json
import logging


class OneLine(logging.Formatter):
    """One JSON object a line, so that nothing in a message can forge a second line.

    Of an exception only its class and place are told: messages quote what people typed.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__qualname__
            trace = record.exc_info[2]
            while trace:
                code = trace.tb_frame.f_code
                line["place"] = f"{code.co_filename}:{trace.tb_lineno} {code.co_name}"
                trace = trace.tb_next
        return json.dumps(line, ensure_ascii=True)


CONFIGURATION = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "idv_dashboard.logs.OneLine"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django.request": {"level": "ERROR"},
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
    },
}
