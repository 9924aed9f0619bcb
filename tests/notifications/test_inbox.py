"""The inbox: by API, on its page, and as a number on every page."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from notifications.models import Notification

Api = Callable[[User], APIClient]
Page = Callable[[User], Client]


def tell(owner: User, title: str = "A title", **more: object) -> Notification:
    given = {"type": "job_queued", "message": "A message", "priority": "low", "action_url": "/datasets", **more}
    return Notification.objects.create(owner=owner, title=title, **given)


def test_the_list_is_ones_own_the_newest_first(alice: User, bob: User, api: Api) -> None:
    tell(alice, "first")
    tell(bob, "not for alice")
    tell(alice, "second", priority="high")
    data = api(alice).get("/api/notifications").json()["data"]
    assert [row["title"] for row in data["notifications"]] == ["second", "first"]
    assert data["pagination"]["total"] == 2
    assert set(data["notifications"][0]) == {
        "id",
        "type",
        "title",
        "message",
        "priority",
        "read",
        "read_at",
        "action_url",
        "created_at",
    }


@pytest.mark.parametrize(("query", "titles"), [("true", ["new"]), ("false", ["old"]), ("", ["new", "old"])])
def test_unread_ones_can_be_asked_for(query: str, titles: list[str], alice: User, api: Api) -> None:
    tell(alice, "old", read=True)
    tell(alice, "new")
    data = api(alice).get(f"/api/notifications?unread={query}").json()["data"]
    assert [row["title"] for row in data["notifications"]] == titles


def test_an_unknown_filter_value_is_refused(alice: User, api: Api) -> None:
    answer = api(alice).get("/api/notifications?unread=perhaps")
    assert answer.status_code == 400
    assert "unread" in answer.json()["error"]["details"]


def test_reading_one_is_remembered_and_may_be_repeated(alice: User, api: Api) -> None:
    row = tell(alice)
    first = api(alice).post(f"/api/notifications/{row.pk}/read").json()["data"]["notification"]
    again = api(alice).post(f"/api/notifications/{row.pk}/read").json()["data"]["notification"]
    assert first["read"] is True
    assert first == again


def test_somebody_elses_and_no_notification_are_the_same_404(alice: User, bob: User, api: Api) -> None:
    row = tell(bob)
    theirs = api(alice).post(f"/api/notifications/{row.pk}/read")
    nobodys = api(alice).post(f"/api/notifications/{uuid.uuid4()}/read")
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.json() == nobodys.json()
    row.refresh_from_db()
    assert not row.read


def test_reading_all_reads_ones_own_alone(alice: User, bob: User, api: Api) -> None:
    tell(alice)
    tell(alice)
    tell(bob)
    assert api(alice).post("/api/notifications/read-all").json()["data"] == {"marked": 2}
    assert api(alice).post("/api/notifications/read-all").json()["data"] == {"marked": 0}
    assert Notification.objects.filter(owner=bob, read=False).count() == 1


def test_the_bells_number_is_sent_again_only_when_it_changed(alice: User, bob: User, api: Api) -> None:
    client = api(alice)
    tell(bob)
    first = client.get("/api/notifications/unread")
    assert first.json()["data"] == {"unread": 0, "newest": None}
    row = tell(alice, "one", action_url="/training/jobs")
    second = client.get("/api/notifications/unread", headers={"if-none-match": first["ETag"]})
    assert (second.json()["data"]["unread"], second.json()["data"]["newest"]["title"]) == (1, "one")
    same = client.get("/api/notifications/unread", headers={"if-none-match": second["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    client.post(f"/api/notifications/{row.pk}/read")
    assert client.get("/api/notifications/unread", headers={"if-none-match": second["ETag"]}).status_code == 200


def test_a_link_to_one_reads_it_and_leads_where_it_points(alice: User, bob: User, browse: Page) -> None:
    row, nowhere, theirs = tell(alice, action_url="/training/jobs"), tell(alice, action_url=""), tell(bob)
    client = browse(alice)
    assert client.get(f"/notifications/{row.pk}")["Location"] == "/training/jobs"
    assert client.get(f"/notifications/{nowhere.pk}")["Location"] == "/notifications"
    assert client.get(f"/notifications/{theirs.pk}").status_code == 404
    assert set(Notification.objects.filter(read=True)) == {row, nowhere}


def test_the_page_is_filtered_by_its_url_and_stays_so(alice: User, browse: Page, api: Api) -> None:
    failed = tell(alice, "It failed", type="job_failed")
    tell(alice, "It is queued", type="job_queued")
    client = browse(alice)
    text = client.get("/notifications?type=job_failed&unread=true").content.decode()
    assert "It failed" in text
    assert "It is queued" not in text
    kept = client.post(f"/notifications/{failed.pk}/read", {"unread": "true", "type": "job_failed"})
    assert kept["Location"] == f"/notifications?unread=true&type=job_failed#notice-{failed.pk}"
    assert "None of this type" in client.get(kept["Location"]).content.decode()
    assert "It is queued" in client.get("/notifications?type=no-such-type").content.decode()
    listed = api(alice).get("/api/notifications?type=job_failed").json()["data"]["notifications"]
    assert [row["title"] for row in listed] == ["It failed"]


def test_the_page_groups_by_day_in_utc(alice: User, browse: Page) -> None:
    with time_machine.travel(datetime(2026, 3, 5, 23, 59, tzinfo=UTC), tick=False):
        tell(alice, "late")
    with time_machine.travel(datetime(2026, 3, 6, 0, 1, tzinfo=UTC), tick=False):
        tell(alice, "early")
        text = browse(alice).get("/notifications").content.decode()
    days = [text.index(each) for each in ("Today", "early", "Thursday, 5 March 2026", "late")]
    assert days == sorted(days)


def test_the_page_says_when_there_is_nothing(alice: User, browse: Page) -> None:
    assert "No notifications yet" in browse(alice).get("/notifications").content.decode()


def test_the_page_shows_ones_own_and_escapes_them(alice: User, bob: User, browse: Page) -> None:
    tell(alice, "<b>bold</b> title")
    tell(bob, "not for alice")
    text = browse(alice).get("/notifications").content.decode()
    assert "&lt;b&gt;bold&lt;/b&gt; title" in text
    assert "not for alice" not in text


def test_opening_one_reads_it_and_goes_where_it_points(alice: User, browse: Page) -> None:
    row = tell(alice, action_url="/training/jobs")
    answer = browse(alice).post(f"/notifications/{row.pk}/read", {"follow": "1"})
    assert answer["Location"] == "/training/jobs"
    row.refresh_from_db()
    assert row.read


def test_the_page_reads_one_or_all(alice: User, browse: Page) -> None:
    client = browse(alice)
    row = tell(alice)
    tell(alice)
    assert client.post(f"/notifications/{row.pk}/read")["Location"] == f"/notifications#notice-{row.pk}"
    assert "1 unread" in client.get("/notifications?unread=true").content.decode()
    client.post("/notifications/read-all")
    assert "All read" in client.get("/notifications?unread=true").content.decode()


def test_reading_one_leaves_the_reader_on_the_page_where_it_is(alice: User, browse: Page) -> None:
    notices = [tell(alice) for _ in range(26)]
    client = browse(alice)
    shown = client.get("/notifications?page=2").content.decode()
    assert '<input type="hidden" name="page" value="2">' in shown
    answer = client.post(f"/notifications/{notices[0].pk}/read", {"page": "2"})
    assert answer["Location"] == f"/notifications?page=2#notice-{notices[0].pk}"
    assert client.post("/notifications/read-all", {"page": "2&x"})["Location"] == "/notifications"


def test_somebody_elses_is_a_404_on_the_page_too(alice: User, bob: User, browse: Page) -> None:
    row = tell(bob)
    assert browse(alice).post(f"/notifications/{row.pk}/read").status_code == 404


def test_the_page_is_for_those_who_logged_in(client: Client, db: None) -> None:
    assert client.get("/notifications")["Location"].startswith("/login")


def test_the_bell_counts_unread_ones(alice: User, browse: Page) -> None:
    client = browse(alice)
    assert "bell-count" not in client.get("/settings/tokens").content.decode()
    tell(alice)
    tell(alice, read=True)
    text = client.get("/settings/tokens").content.decode()
    assert '<span class="bell-count">1<' in text


def test_a_page_counts_once(alice: User, browse: Page, django_assert_num_queries: Callable[..., object]) -> None:
    client = browse(alice)
    tell(alice)
    # session, user, tokens, count; whether jobs are being processed takes two
    with django_assert_num_queries(6):  # type: ignore[attr-defined]
        client.get("/settings/tokens")


def test_the_admin_shows_both_tables_read_only(operator: User, alice: User, browse: Page) -> None:
    row = tell(alice, "for the operator's eyes")
    client = browse(operator)
    assert "for the operator" in client.get("/admin/notifications/notification/").content.decode()
    assert client.get("/admin/notifications/delivery/").status_code == 200
    detail = client.get(f"/admin/notifications/notification/{row.pk}/change/").content.decode()
    assert 'name="_save"' not in detail
    assert client.get("/admin/notifications/notification/add/").status_code == 403
