"""The import browser: folders of training-files as far as the user may look, and files that become datasets."""

import logging
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.callers import caller
from datasets import importable, services
from datasets.exceptions import FieldInvalid, ImportNotFound
from datasets.models import Dataset
from datasets.selectors import import_prefixes
from datasets.storage.base import InvalidCursor, StorageError
from datasets.tasks import nudge_validation
from datasets.views.access import text

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 50


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def dataset_import(request: HttpRequest) -> HttpResponseBase:
    """A folder (`folder`, `search` and `cursor` in the URL); the files chosen in it are imported by a POST."""
    if request.method == "POST":
        return _import(request)
    prefixes = import_prefixes(caller(request))
    folder = request.GET.get("folder", "")[:1024] or (prefixes[0] if len(prefixes) == 1 else "")
    search, cursor = text(request, "search"), request.GET.get("cursor", "")[:1024]
    context: dict[str, object] = {
        "folder": folder,
        "search": search,
        "is_first": not cursor,
        "crumbs": _crumbs(folder, prefixes),
        "here": urlencode({"folder": folder, **({"search": search} if search else {})}),
        "most": MOST_AT_ONCE,
    }
    status = 200
    try:
        listing = importable.browse(user=caller(request), folder=folder, search=search, cursor=cursor)
        context |= {
            "listing": listing,
            "folders": [(path, path if not folder else path[len(folder) : -1]) for path in listing.folders],
            "next": urlencode({"folder": folder, "search": search, "cursor": listing.next_cursor or ""}),
        }
    except (ImportNotFound, InvalidCursor) as error:
        context |= {"refusal": error.message, "crumbs": _crumbs("", prefixes), "folder": ""}
        status = 404
    except StorageError as error:
        logger.warning("The import browser cannot list: %s", error.message)
        context["failure"] = error.message
        status = 503
    return render(request, "datasets/import.html", context, status=status)


def _import(request: HttpRequest) -> HttpResponseBase:
    paths = request.POST.getlist("path")[: MOST_AT_ONCE + 1]
    made: list[Dataset] = []
    if not paths:
        messages.warning(request, "Choose the files to import.")
    elif len(paths) > MOST_AT_ONCE:
        messages.warning(request, f"Choose {MOST_AT_ONCE} files at most; nothing was imported.")
        paths = []
    for path in paths:
        try:
            dataset = services.dataset_import(owner=caller(request), path=path)
        except (FieldInvalid, ImportNotFound, StorageError) as error:
            messages.error(request, f"{path[:200]}: {error.message}")
            continue
        nudge_validation(dataset.pk)
        made.append(dataset)
    if len(made) == 1 == len(paths):
        return redirect("dataset-detail", made[0].pk)
    if made:
        plural = "file was" if len(made) == 1 else "files were"
        messages.success(request, f"{len(made)} {plural} imported and will be validated.")
        return redirect("dataset-list")
    return redirect(request.get_full_path())


def _crumbs(folder: str, prefixes: tuple[str, ...]) -> list[tuple[str, str]]:
    """(name, folder) of each folder above and including this one, from the granted one on."""
    start = next((prefix for prefix in prefixes if folder.startswith(prefix)), None)
    if start is None:
        return []
    crumbs = [(start.removesuffix("/"), start)]
    for name in filter(None, folder.removeprefix(start).split("/")):
        crumbs.append((name, f"{crumbs[-1][1]}{name}/"))
    return crumbs
