"""WSGI entry point: `gunicorn lora_pipeline.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lora_pipeline.settings")

application = get_wsgi_application()
