"""What operators do with tokens: make the first one in a shell, revoke in the admin."""

from collections.abc import Callable
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import services
from accounts.models import ApiToken


def test_the_command_prints_a_token_that_works_and_nothing_else(alice: User, client: Client) -> None:
    out = StringIO()
    call_command("create_token", "alice", "--name", "laptop", "--days", "90", stdout=out)
    secret = out.getvalue().strip()
    assert client.get("/api/tokens", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    assert ApiToken.objects.get().name == "laptop"


@pytest.mark.parametrize("arguments", [["nobody"], ["alice", "--days", "0"], ["alice", "--days", "9999"]])
def test_the_command_refuses_with_a_sentence(arguments: list[str], alice: User) -> None:
    with pytest.raises(CommandError, match=r"no user 'nobody'|from 1 to 3650"):
        call_command("create_token", *arguments)


def test_the_admin_lists_and_revokes_but_shows_no_secret(
    alice: User, operator: User, browse: Callable[[User], Client]
) -> None:
    row, secret = services.token_create(user=alice, name="laptop")
    client = browse(operator)
    listed = client.get("/admin/accounts/apitoken/").content.decode()
    assert "laptop" in listed
    assert secret not in listed
    assert client.get("/admin/accounts/apitoken/add/").status_code == 403
    client.post(f"/admin/accounts/apitoken/{row.pk}/delete/", {"post": "yes"})
    assert not ApiToken.objects.exists()
