"""The import browser: folders of training-files as far as the user may look, and files that become datasets."""

import logging
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.defaultfilters import pluralize
from django.urls import reverse
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

MOST_AT_ONCE = 100  # two or three seconds; as many as a page of a folder shows
NAMED = 5  # of those that could not be imported


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def dataset_import(request: HttpRequest) -> HttpResponseBase:
    """A folder (`folder`, `search` and `cursor` in the URL); the files chosen in it are imported by a POST.

    With `choose=all` those are ticked that are no datasets yet, and an import leads on to the next page.
    """
    if request.method == "POST":
        return _import(request)
    prefixes = import_prefixes(caller(request))
    folder = request.GET.get("folder", "")[:1024] or (prefixes[0] if len(prefixes) == 1 else "")
    search, cursor = text(request, "search"), request.GET.get("cursor", "")[:1024]
    first_page = {"folder": folder, **({"search": search} if search else {})}
    this_page = {**first_page, **({"cursor": cursor} if cursor else {})}
    chooses_all = request.GET.get("choose") == "all"
    choosing = {"choose": "all"} if chooses_all else {}
    context: dict[str, object] = {
        "folder": folder,
        "search": search,
        "is_first": not cursor,
        "crumbs": _crumbs(folder, prefixes),
        "first": urlencode(first_page),
        "none": urlencode(this_page),
        "all": urlencode({**this_page, "choose": "all"}),
        "here": urlencode({**this_page, **choosing}),
        "chooses_all": chooses_all,
        "most": MOST_AT_ONCE,
    }
    status = 200
    try:
        listing = importable.browse(user=caller(request), folder=folder, search=search, cursor=cursor)
        context |= {
            "listing": listing,
            "folders": [(path, path if not folder else path[len(folder) : -1]) for path in listing.folders],
            "next": urlencode({**first_page, "cursor": listing.next_cursor or "", **choosing}),
        }
        if chooses_all:
            context |= _chosen(listing, cursor)
    except (ImportNotFound, InvalidCursor) as error:
        context |= {"refusal": error.message, "crumbs": _crumbs("", prefixes), "folder": ""}
        status = 404
    except StorageError as error:
        logger.warning("The import browser cannot list: %s", error.message)
        context["failure"] = error.message
        status = 503
    return render(request, "datasets/import.html", context, status=status)


def _chosen(listing: importable.Listing, cursor: str) -> dict[str, object]:
    """What `choose=all` ticks, and where its import leads: a search may find more than can be imported at once, of
    which the others come first."""
    paths = [entry.info.path for entry in listing.entries if entry.imported is None]
    leaves_some = len(paths) > MOST_AT_ONCE
    return {
        "chosen": frozenset(paths[:MOST_AT_ONCE]),
        "leaves_some": leaves_some,
        "goes_on": leaves_some or listing.next_cursor is not None,
        "going_on": cursor if leaves_some else listing.next_cursor,
    }


def _import(request: HttpRequest) -> HttpResponseBase:
    paths = request.POST.getlist("path")[: MOST_AT_ONCE + 1]
    if not paths:
        messages.warning(request, "Choose the files to import.")
    elif len(paths) > MOST_AT_ONCE:
        messages.warning(request, f"Choose {MOST_AT_ONCE} files at most; nothing was imported.")
        paths = []
    made = _imported(request, paths)
    if len(made) == 1 == len(paths):
        return redirect("dataset-detail", made[0].pk)
    if made:
        messages.success(request, f"{_files_were(len(made))} imported and will be validated.")
    return redirect(_behind(request, is_done=bool(paths) and len(made) == len(paths)))


def _imported(request: HttpRequest, paths: list[str]) -> list[Dataset]:
    """The datasets that came of them; what did not is said. A storage that is away is not asked for each one."""
    made: list[Dataset] = []
    refused = 0
    for path in paths:
        try:
            dataset = services.dataset_import(owner=caller(request), path=path)
        except (FieldInvalid, ImportNotFound) as error:
            refused += 1
            if refused <= NAMED:
                messages.error(request, f"{path[:200]}: {error.message}")
            continue
        except StorageError as error:
            rest = len(paths) - len(made) - refused
            messages.error(request, f"{_files_were(rest)} not imported: {error.message}")
            break
        nudge_validation(dataset.pk)
        made.append(dataset)
    if refused > NAMED:
        rest = refused - NAMED
        messages.error(request, f"{rest} more {pluralize(rest, 'file,files')} could not be imported.")
    return made


def _files_were(count: int) -> str:
    return f"{count} {pluralize(count, 'file was,files were')}"


def _behind(request: HttpRequest, *, is_done: bool) -> str:
    """Where an import leads: back to its page of the folder; when it is done, on to what follows if that was asked for
    with `choose`, and out of a folder that has no pages."""
    if is_done and request.GET.get("choose") == "all" and "next" in request.POST:
        query = {name: request.GET[name] for name in ("folder", "search") if name in request.GET}
        cursor = request.POST["next"][:1024]
        return f"{request.path}?{urlencode({**query, **({'cursor': cursor} if cursor else {}), 'choose': 'all'})}"
    has_pages = "next" in request.POST or "cursor" in request.GET
    return reverse("dataset-list") if is_done and not has_pages else request.get_full_path()


def _crumbs(folder: str, prefixes: tuple[str, ...]) -> list[tuple[str, str]]:
    """(name, folder) of each folder above and including this one, from the granted one on."""
    start = next((prefix for prefix in prefixes if folder.startswith(prefix)), None)
    if start is None:
        return []
    crumbs = [(start.removesuffix("/"), start)]
    for name in filter(None, folder.removeprefix(start).split("/")):
        crumbs.append((name, f"{crumbs[-1][1]}{name}/"))
    return crumbs
