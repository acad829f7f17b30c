"""For load balancers and supervisors: a word, and nothing for strangers to learn from."""

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts import access, guards


@access.public
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


@access.public
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """The database answers, all migrations are applied, and every guard is in place."""
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        is_ready = not pending and not guards.missing(connection)
    except DatabaseError:
        is_ready = False
    return HttpResponse(
        "ok" if is_ready else "not ready",
        content_type="text/plain",
        status=200 if is_ready else 503,
    )
