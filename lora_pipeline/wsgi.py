"""WSGI entry point: `gunicorn lora_pipeline.wsgi`. It starts only with settings that make sense."""

import os

from django.core.wsgi import get_wsgi_application

from lora_pipeline.checks import refuse_errors
from tenancy import viewer

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lora_pipeline.settings")

application = get_wsgi_application()
refuse_errors()
# Also for whoever imports this: outside of a request nothing of any user is seen from now on.
viewer.close_process()
