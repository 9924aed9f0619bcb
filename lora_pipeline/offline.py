"""What browsers keep for times without a connection: one page that is nobody's, and the worker that shows it.

The worker (templates/service-worker.js) stands at the root, since it answers for addresses beside and below its own.
"""

import re
from functools import cache
from hashlib import sha256

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views.decorators.http import conditional_page, require_safe

# Ends the addresses of the files that the page needs: by it the worker tells them from the same files of other pages,
# which are none of its business.
MARK = "?offline"
_NEEDED = re.compile(rf'"([^"?]+){re.escape(MARK)}["#]')


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The same for everybody, logged in or not."""
    return HttpResponse(_page())


@require_safe
@conditional_page
def worker(request: HttpRequest) -> HttpResponse:
    """Browsers ask for it after each visit and take a new one when a byte differs: with each page or file that does."""
    script = _script(settings.STATIC_URL)
    return HttpResponse(script, content_type="text/javascript", headers={"Cache-Control": "no-cache"})


@cache
def _script(static_url: str) -> str:
    """The same as long as the process lives, since templates and the names of files are of one release."""
    shown = _page()
    files = sorted(set(_NEEDED.findall(shown)))
    version = sha256(shown.encode()).hexdigest()[:16]
    return loader.get_template("service-worker.js").render({"version": version, "files": files, "mark": MARK})


def _page() -> str:
    return loader.get_template("offline.html").render({"mark": MARK})
