#!/usr/bin/env python
"""Django's command line for LoRA Pipeline."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lora_pipeline.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # it names the setting and says what to do
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"{error}")
