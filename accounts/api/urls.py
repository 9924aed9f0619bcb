from django.urls import path

from accounts.api.views import TokenDetail, TokenList

urlpatterns = [
    path("tokens", TokenList.as_view(), name="api-tokens"),
    path("tokens/<str:token_key>", TokenDetail.as_view(), name="api-token"),
]
