"""/api/tokens. The first token of a user comes from the page /settings/tokens or `manage.py create_token`."""

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.api.inputs import TokenInput
from accounts.api.outputs import CreatedToken, TokenOutput
from accounts.callers import caller
from accounts.models import ApiToken
from accounts.selectors import visible_to


class TokenList(ListAPIView[ApiToken]):
    """Your tokens; POST makes one."""

    serializer_class = TokenOutput
    list_key = "tokens"

    def get_queryset(self) -> Any:
        return visible_to(caller(self.request))

    @extend_schema(request=TokenInput, responses={201: CreatedToken})
    def post(self, request: Request) -> Response:
        form = TokenInput(data=request.data)
        form.is_valid(raise_exception=True)
        days = form.validated_data.get("expires_in_days")
        token, secret = services.token_create(
            user=caller(request),
            name=form.validated_data["name"],
            expires_in=timedelta(days=days) if days else None,
        )
        return Response(
            {"token": TokenOutput(token).data, "secret": secret},
            status=status.HTTP_201_CREATED,
            headers={"Cache-Control": "no-store"},
        )


class TokenDetail(APIView):
    """DELETE revokes a token at once."""

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, token_key: str) -> Response:
        services.token_revoke(user=caller(request), token_key=token_key)
        return Response(status=status.HTTP_204_NO_CONTENT)
