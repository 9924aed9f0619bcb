"""Pages: log in, one's password, and one's API tokens."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import login_limit, services
from accounts.callers import caller
from accounts.exceptions import TokenNotFound
from accounts.forms import PasswordForm, TokenForm
from accounts.selectors import visible_to


class LoginView(auth_views.LoginView):
    """Django's login, slowed down after failures (429 with Retry-After)."""

    template_name = "accounts/login.html"

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        guess = login_limit.password(request, request.POST.get("username", ""))
        if guess.wait_s:
            return _slow_down(self, self.get_form_class()(request), guess.wait_s)
        answer = super().post(request, *args, **kwargs)
        if request.user.is_authenticated:
            guess.was_right()
        return answer


class PasswordView(LoginRequiredMixin, auth_views.PasswordChangeView):
    """A new password, for who knows the present one. All other sessions of the user end; API tokens go on."""

    form_class = PasswordForm
    template_name = "accounts/password.html"
    success_url = reverse_lazy("password")

    @method_decorator(never_cache)
    def dispatch(self, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(*args, **kwargs)

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        guess = login_limit.password(request, caller(request).get_username())
        if guess.wait_s:
            return _slow_down(self, self.get_form_class()(caller(request)), guess.wait_s)
        form = self.get_form()
        if "old_password" not in form.errors:
            guess.was_right()
        return self.form_valid(form) if form.is_valid() else self.form_invalid(form)

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, "Your password was changed. You were logged out everywhere else.")
        return super().form_valid(form)


def _slow_down(view: Any, form: BaseForm, wait_s: int) -> HttpResponse:
    answer: HttpResponse = view.render_to_response(
        view.get_context_data(form=form, wait=wait_s), status=429, headers={"Retry-After": str(wait_s)}
    )
    return answer


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
