"""One event, one channel: the delivery row and what it stands for, together or not at all."""

import uuid
from dataclasses import asdict

from django.db import IntegrityError, transaction

from notifications.channels.base import Channel
from notifications.channels.inapp import InApp
from notifications.models import Delivery, Notification
from notifications.rules import Notice


def _into_inbox(notice: Notice, *, notice_id: uuid.UUID, owner_id: int) -> None:
    Notification.objects.create(id=notice_id, owner_id=owner_id, **asdict(notice))


IN_APP: Channel = InApp(_into_inbox)


def deliver(delivery: Delivery, notice: Notice, channel: Channel) -> bool:
    """Store `delivery` and send `notice`, once per event whoever else tries: False = somebody else has.

    The channel's unique constraint decides, so that two dispatchers, a repeated task or a crash in between
    never tell anybody twice.
    """
    notice_id = uuid.uuid5(uuid.NAMESPACE_OID, f"{delivery.job_event_id or ''}/{delivery.dataset_event_id or ''}")
    try:
        with transaction.atomic():
            delivery.state = Delivery.State.DONE
            delivery.save(force_insert=True)
            channel.send(notice, notice_id=notice_id, owner_id=delivery.owner_id)
            Delivery.objects.filter(pk=delivery.pk).update(notification_id=notice_id)
    except IntegrityError:
        return False
    return True
