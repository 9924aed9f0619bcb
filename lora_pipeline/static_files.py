"""How static files are served: compressed, and named by their content, the imports between modules included."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it has no types
    """A file's name changes with its content, so browsers keep it for ever and never mix two releases."""

    support_js_module_import_aggregation = True
    # Each pass renames what imports what the one before has renamed: as many as modules import each other deep.
    max_post_process_passes = 16
