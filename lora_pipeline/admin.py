"""The admin's name; each app registers its own models."""

from django.contrib import admin

admin.site.site_title = admin.site.site_header = "LoRA Pipeline"
admin.site.index_title = "Operations"
