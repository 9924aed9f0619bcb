"""What a user may import: the objects of training-files below the user's prefixes, page by page or by folders."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User

from datasets.exceptions import ImportNotFound
from datasets.models import Dataset, StorageBucket
from datasets.selectors import datasets_on, import_prefixes
from datasets.storage import open_store
from datasets.storage.base import InvalidKey, ObjectInfo
from datasets.storage.keys import clean_key

PAGE = 100
PER_CALL = 250  # entries, while searching
EXAMINED = 10_000  # entries that one search looks at


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
    if prefix:
        _assert_allowed(prefix, prefixes)
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


@dataclass(frozen=True)
class Entry:
    """A file in a folder; `imported` is the newest of the user's datasets on it, `changed` whether the file has changed
    since that one was validated."""

    info: ObjectInfo
    name: str
    imported: Dataset | None
    changed: bool


@dataclass(frozen=True)
class Listing:
    """What a folder shows: `folders` are paths that end with “/”, `hidden` how many entries cannot be imported (empty,
    or with a name that we never use). `next_cursor` goes on, None at the end; `examined` is how many were looked at."""

    folder: str
    folders: tuple[str, ...]
    entries: tuple[Entry, ...]
    prefixes: tuple[str, ...]
    hidden: int
    examined: int
    next_cursor: str | None


def browse(
    *, user: User, folder: str = "", search: str = "", cursor: str = "", limit: int = PAGE, patience: int = EXAMINED
) -> Listing:
    """Some entries of `folder` whose names contain `search` (in any case), from `cursor` on.

    They are at most `limit`; with a search up to PER_CALL more, or few or none and yet a next page, since it looks at
    `patience` entries, or a few more. Without a folder: those from which the user may start.
    Raises ImportNotFound for a folder that is not the user's, StorageError.
    """
    prefixes = import_prefixes(user)
    if not folder:
        return Listing("", prefixes, (), prefixes, 0, 0, None)
    _assert_allowed(folder, prefixes, is_folder=True)
    store = open_store()
    wanted = search.casefold()
    folders: list[str] = []
    objects: list[ObjectInfo] = []
    hidden = examined = 0
    going_on: str | None = cursor
    while going_on is not None and len(folders) + len(objects) < limit and examined < patience:
        size = min(PER_CALL, patience) if wanted else limit - len(folders) - len(objects)
        page = store.browse(bucket=StorageBucket.TRAINING_FILES, folder=folder, cursor=going_on, limit=size)
        going_on = page.next_cursor
        examined += len(page.folders) + len(page.objects)
        inner = [path for path in page.folders if wanted in _name(path).casefold()]
        files = [each for each in page.objects if each.path != folder and wanted in _name(each.path).casefold()]
        usable = [path for path in inner if path.startswith(folder) and _is_clean(path.removesuffix("/"))]
        importable = _usable(files, (folder,))
        folders += usable
        objects += importable
        hidden += len(inner) + len(files) - len(usable) - len(importable)
    imported = datasets_on(user, [each.path for each in objects])
    entries = tuple(_entry(each, imported.get(each.path)) for each in objects)
    return Listing(folder, tuple(folders), entries, prefixes, hidden, examined, going_on)


def _entry(info: ObjectInfo, imported: Dataset | None) -> Entry:
    return Entry(info, _name(info.path), imported, imported is not None and imported.etag != info.etag)


def _name(path: str) -> str:
    return path.removesuffix("/").rsplit("/", 1)[-1]


def _assert_allowed(prefix: str, prefixes: tuple[str, ...], *, is_folder: bool = False) -> None:
    clean = _is_clean(prefix.removesuffix("/")) and (prefix.endswith("/") or not is_folder)
    if not (prefix.startswith(prefixes) and clean):
        message = f"You may not import from {prefix}. You may import below: {', '.join(prefixes)}"
        raise ImportNotFound(message, prefixes=list(prefixes))


def _usable(found: Sequence[ObjectInfo], prefixes: tuple[str, ...]) -> tuple[ObjectInfo, ...]:
    """Asks the prefixes again: a store may understand a listing in its own way."""
    return tuple(each for each in found if each.size and each.path.startswith(prefixes) and _is_clean(each.path))


def _is_clean(path: str) -> bool:
    try:
        clean_key(path)
    except InvalidKey:
        return False
    return True
