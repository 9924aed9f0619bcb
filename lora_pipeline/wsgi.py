"""WSGI entry point: `gunicorn lora_pipeline.wsgi`. It starts only with settings that make sense."""

import gc
import os

from django.core.wsgi import get_wsgi_application

from lora_pipeline.checks import refuse_errors
from tenancy import viewer

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lora_pipeline.settings")

application = get_wsgi_application()
refuse_errors()
# Also for whoever imports this: outside of a request nothing of any user is seen from now on.
viewer.close_process()
# What the program is made of stays as long as it runs. Looking through all of it for garbage holds up every request for
# a tenth of a second, again and again; here, before gunicorn forks, it also keeps that memory shared.
gc.collect()
gc.freeze()
