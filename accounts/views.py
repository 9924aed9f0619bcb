"""Pages: log in, and one's API tokens."""

from datetime import timedelta

from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import login_limit, services
from accounts.callers import caller
from accounts.exceptions import TokenNotFound
from accounts.forms import TokenForm
from accounts.selectors import visible_to


class LoginView(auth_views.LoginView):
    """Django's login, slowed down after failures (429 with Retry-After)."""

    template_name = "accounts/login.html"

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        wait = login_limit.seconds_to_wait(request, request.POST.get("username", ""))
        if wait:
            context = self.get_context_data(form=self.get_form_class()(request), wait=wait)
            return self.render_to_response(context, status=429, headers={"Retry-After": str(wait)})
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        login_limit.record_failure(self.request, self.request.POST.get("username", ""))
        return super().form_invalid(form)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """Lists tokens; POST makes one and shows its secret in the answer, the only time it can be seen."""
    secret = None
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        days = form.cleaned_data["expires_in_days"]
        _, secret = services.token_create(
            user=caller(request),
            name=form.cleaned_data["name"],
            expires_in=timedelta(days=days) if days else None,
        )
        form = TokenForm()
    context = {"tokens": visible_to(caller(request)), "form": form, "secret": secret}
    return render(request, "accounts/tokens.html", context)


@login_required
@require_POST
def revoke_token(request: HttpRequest, token_key: str) -> HttpResponse:
    try:
        services.token_revoke(user=caller(request), token_key=token_key)
    except TokenNotFound as error:
        raise Http404 from error
    messages.success(request, "The token was revoked. Programs that use it are refused from now on.")
    return redirect("tokens")
