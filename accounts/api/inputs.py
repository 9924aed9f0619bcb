"""What clients send."""

from rest_framework import serializers

from accounts.services import MAX_DAYS


class TokenInput(serializers.Serializer[None]):
    name = serializers.CharField(max_length=100)
    expires_in_days = serializers.IntegerField(
        min_value=1, max_value=MAX_DAYS, required=False, allow_null=True, help_text="absent: until revoked"
    )
