"""One event, one owner: the in-app row, what it stands for, and the rows of the other ways, together or not at all."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict

from django.db import IntegrityError, transaction

from notifications.channels.base import Channel
from notifications.channels.inapp import InApp
from notifications.models import Delivery, Notification
from notifications.rules import Notice


def _into_inbox(notice: Notice, *, notice_id: uuid.UUID, owner_id: int) -> None:
    Notification.objects.create(id=notice_id, owner_id=owner_id, **asdict(notice))


IN_APP: Channel = InApp(_into_inbox)


def deliver(delivery: Delivery, notice: Notice | None, channel: Channel, others: Sequence[Delivery] = ()) -> bool:
    """Store `delivery`, send `notice` and store `others`, once per event whoever else tries: False = somebody has.

    The channel's unique constraint decides, so that two dispatchers, a repeated task or a crash in between
    never tell anybody twice. Without a notice the row only says that the event was handled.
    """
    notice_id = _notice_id(delivery)
    try:
        with transaction.atomic():
            delivery.state = Delivery.State.DONE
            delivery.save(force_insert=True)
            if notice is not None:
                channel.send(notice, notice_id=notice_id, owner_id=delivery.owner_id)
                Delivery.objects.filter(pk=delivery.pk).update(notification_id=notice_id)
            Delivery.objects.bulk_create(others)
    except IntegrityError:
        return False
    return True


def _notice_id(delivery: Delivery) -> uuid.UUID:
    name = f"{delivery.job_event_id or ''}/{delivery.dataset_event_id or ''}"
    if delivery.alert_id:  # the same alert for several owners
        name = f"alert/{delivery.alert_id}/{delivery.owner_id}"
    return uuid.uuid5(uuid.NAMESPACE_OID, name)
