import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

from idv_dashboard import boot, requests

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idv_dashboard.settings")

try:
    application = get_wsgi_application()
    application.request_class = requests.Request
    boot.assert_safe()
except ImproperlyConfigured as problem:
    sys.stderr.write(f"{problem}\n")
    sys.exit(boot.EX_CONFIG)
