"""What clients get. The secret leaves once, on creation; the hash never."""

from rest_framework import serializers

from accounts.models import ApiToken


class TokenOutput(serializers.ModelSerializer[ApiToken]):
    id = serializers.CharField(source="token_key", help_text="the token's first characters")
    created_at = serializers.DateTimeField(source="created")
    expires_at = serializers.DateTimeField(source="expiry", allow_null=True)

    class Meta:
        model = ApiToken
        fields = ["id", "name", "created_at", "expires_at"]


class CreatedToken(serializers.Serializer[None]):
    token = TokenOutput()
    secret = serializers.CharField(help_text="for `Authorization: Bearer …`; shown this once")
