"""What a user may import: the objects of training-files below the user's prefixes, page by page."""

from dataclasses import dataclass

from django.contrib.auth.models import User

from datasets.exceptions import ImportNotFound
from datasets.models import StorageBucket
from datasets.selectors import import_prefixes
from datasets.storage import open_store
from datasets.storage.base import InvalidKey, ObjectInfo
from datasets.storage.keys import clean_key


@dataclass(frozen=True)
class ImportablePage:
    """`objects` in key order; `next_after` continues the listing, None at its end."""

    objects: tuple[ObjectInfo, ...]
    prefixes: tuple[str, ...]
    next_after: str | None


def importable_objects(*, user: User, prefix: str = "", after: str = "", limit: int = 100) -> ImportablePage:
    """Up to `limit` objects whose keys start with `prefix` (empty: all the user may import) and sort behind `after`.

    Empty files, folder markers and keys that we never use are left out, so a page may be shorter than the
    limit. Raises ImportNotFound for a prefix that is not the user's, StorageError.
    """
    prefixes = import_prefixes(user)
    if prefix and not (prefix.startswith(prefixes) and _is_clean(prefix.removesuffix("/"))):
        message = f"You may not import from {prefix}. You may import below: {', '.join(prefixes)}"
        raise ImportNotFound(message, prefixes=list(prefixes))
    store = open_store()
    found: list[ObjectInfo] = []
    for searched in (prefix,) if prefix else prefixes:
        if after > searched and not after.startswith(searched):
            continue  # the listing has passed this prefix
        start = after if after.startswith(searched) else ""
        page = store.list(bucket=StorageBucket.TRAINING_FILES, prefix=searched, after=start, limit=limit - len(found))
        found += page.objects
        if page.next_after or len(found) >= limit:
            return ImportablePage(_usable(found, prefixes), prefixes, page.next_after or found[-1].path)
    return ImportablePage(_usable(found, prefixes), prefixes, None)


def _usable(found: list[ObjectInfo], prefixes: tuple[str, ...]) -> tuple[ObjectInfo, ...]:
    """Asks the prefixes again: a store may understand a listing in its own way."""
    return tuple(each for each in found if each.size and each.path.startswith(prefixes) and _is_clean(each.path))


def _is_clean(path: str) -> bool:
    try:
        clean_key(path)
    except InvalidKey:
        return False
    return True
