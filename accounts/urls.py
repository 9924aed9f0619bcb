from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts import views

urlpatterns = [
    path("login", views.LoginView.as_view(), name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("settings/password", views.PasswordView.as_view(), name="password"),
    path("settings/tokens", views.tokens, name="tokens"),
    path("settings/tokens/<str:token_key>/revoke", views.revoke_token, name="token-revoke"),
]
