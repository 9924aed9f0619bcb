"""How each kind of value is written: in most cases byte for byte as REST framework's own renderer does it."""

import json
import math
import uuid
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.db.models import IntegerChoices, TextChoices
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy, ngettext_lazy
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.renderers import JSONRenderer

from lora_pipeline.api_envelope import EnvelopeRenderer

Pair = namedtuple("Pair", ["left", "right"])


class Colour(TextChoices):
    RED = "red", "Red as a rose"


class Size(IntegerChoices):
    LARGE = 3, "Large"


class Plain(StrEnum):
    A = "a"


class Number(IntEnum):
    SEVEN = 7


class Text(str):
    def __str__(self) -> str:
        return "something else"


class Ratio(float):
    pass


@dataclass
class Secretive:
    password: str = "hunter2"


class Row(serializers.Serializer[Any]):
    name = serializers.CharField()
    cost = serializers.DecimalField(max_digits=8, decimal_places=2, coerce_to_string=False)


def written(data: Any, media_type: str = "application/json") -> bytes:
    return EnvelopeRenderer().render({"success": True, "value": data}, media_type, {})


def as_rest_framework(data: Any, media_type: str = "application/json") -> bytes:
    body: bytes = JSONRenderer().render({"success": True, "value": data}, media_type, {})
    return body


SUMMER, FIVE_WEST = ZoneInfo("Europe/Berlin"), timezone(-timedelta(hours=5, minutes=30))
SAME = {
    "nothing": (None, "null"),
    "truth": ([True, False], "[true,false]"),
    "whole number": (-7, "-7"),
    "63 bits": ([2**63 - 1, -(2**63)], "[9223372036854775807,-9223372036854775808]"),
    "64 bits": (2**64 - 1, "18446744073709551615"),
    "beyond 64 bits": ([2**64, -(2**63) - 1, 10**30], f"[{2**64},{-(2**63) - 1},{10**30}]"),
    "fraction": ([0.1, 1.0, -0.0, 1e16, 1.5e300, 5e-324], "[0.1,1.0,-0.0,1e+16,1.5e+300,5e-324]"),
    "fraction of its own kind": (Ratio(0.5), "0.5"),
    "money": ([Decimal("4.20"), Decimal("0"), Decimal("1E+3")], "[4.2,0.0,1000.0]"),
    "text": ("Grüße, 世界 😀", '"Grüße, 世界 😀"'),
    "text with marks": ('"\\/</script>\x00\x1f\x7f\b\f\n\r\t', r'"\"\\/</script>\u0000\u001f' + '\x7f\\b\\f\\n\\r\\t"'),
    "text of its own kind": (Text("kept"), '"kept"'),
    "safe text": (mark_safe("<b>"), '"<b>"'),
    "lazy text": (
        [gettext_lazy("Error"), lazystr(3), ngettext_lazy("%d job", "%d jobs") % 2],
        '["Error","3","2 jobs"]',
    ),
    "word of an error": (ErrorDetail("No.", code="no"), '"No."'),
    "member of choices": ([Colour.RED, Size.LARGE], '["red",3]'),
    "member of an enumeration": ([Plain.A, Number.SEVEN], '["a",7]'),
    "id": (uuid.UUID(int=255), '"00000000-0000-0000-0000-0000000000ff"'),
    "time in UTC": (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), '"2026-01-02T03:04:05Z"'),
    "time to the microsecond": (datetime(2026, 1, 2, 3, 4, 5, 60, tzinfo=UTC), '"2026-01-02T03:04:05.000060Z"'),
    "time in a zone": (datetime(2026, 7, 2, 3, 4, 5, tzinfo=SUMMER), '"2026-07-02T03:04:05+02:00"'),
    "time at an offset": (datetime(2026, 7, 2, 3, 4, 5, tzinfo=FIVE_WEST), '"2026-07-02T03:04:05-05:30"'),
    "time without a zone": (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).replace(tzinfo=None), '"2026-01-02T03:04:05"'),
    "time of long ago": (datetime(1, 1, 1, tzinfo=UTC), '"0001-01-01T00:00:00Z"'),
    "day": (date(2026, 1, 2), '"2026-01-02"'),
    "time of day": ([time(3, 4), time(3, 4, 5, 6)], '["03:04:00","03:04:05.000006"]'),
    "duration": ([timedelta(minutes=1), timedelta(milliseconds=-5)], '["60.0","-0.005"]'),
    "address": (ip_address("::1"), '"::1"'),
    "bytes": ("ä".encode(), '"ä"'),
    "tuple": ((1, (2,)), "[1,[2]]"),
    "named tuple": (Pair(1, 2), "[1,2]"),
    "set": ({1}, "[1]"),
    "object": ({"b": 1, "a": {}}, '{"b":1,"a":{}}'),
    "ordered object": (OrderedDict([("b", 1), ("a", 2)]), '{"b":1,"a":2}'),
    "read-only object": (MappingProxyType({"a": [1]}), '{"a":[1]}'),
    "serialized row": (Row({"name": "x", "cost": Decimal("1.50")}).data, '{"name":"x","cost":1.5}'),
    "serialized rows": (Row([{"name": "x", "cost": 2}], many=True).data, '[{"name":"x","cost":2.0}]'),
    "keys of other kinds": ({1: 0, None: 0, False: 0, 2.5: 0}, '{"1":0,"null":0,"false":0,"2.5":0}'),
    "keys that are members": ({Colour.RED: 1, Plain.A: 2, Text("x"): 3}, '{"red":1,"a":2,"x":3}'),
    "array": (np.array([[1.5, 2.0]]), "[[1.5,2.0]]"),
    "numbers of arrays": ([np.float64(0.1), np.float32(0.5), np.int64(-3), np.uint8(3)], "[0.1,0.5,-3,3]"),
    "truth and text of arrays": ([np.bool_(True), np.str_("x")], '[true,"x"]'),
}

# What JSON lacks, wherever it hides; beside a value for which the quick way has to be left.
LACKING = {
    "not a number": ([math.nan, math.inf, -math.inf], "[null,null,null]"),
    "not a number, with a key that is no text": ({1: math.nan}, '{"1":null}'),
    "not a number as a key": ({math.nan: 1}, '{"null":1}'),
    "money without a value": ([Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity")], "[null,null,null]"),
    "an array's number without a value": ([np.float64("nan")], "[null]"),
    "half a character": ({"a\ud800": "b\udfff", "c": (1, {"d": "\ud83d"})}, '{"a?":"b?","c":[1,{"d":"?"}]}'),
    "half a character of a member": ([Text("x\ud800"), 2**64], f'["x?",{2**64}]'),
}

# The same values, in other letters: fractions without an exponent, line separators that JavaScript long allows.
OTHER_LETTERS = {
    "small fraction": (1e-5, "0.00001"),
    "smaller fraction": (1.25e-7, "1.25e-7"),
    "line separators": ("a\u2028b\u2029", '"a\u2028b\u2029"'),
}


def named(table: dict[str, tuple[Any, str]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("value", "text"), list(table.values()), ids=list(table))


@named(SAME)
def test_a_value_is_written_as_rest_framework_does(value: Any, text: str) -> None:
    assert written(value) == as_rest_framework(value) == f'{{"success":true,"value":{text}}}'.encode()


@named(LACKING)
def test_what_json_lacks_is_null_or_a_question_mark(value: Any, text: str) -> None:
    assert written(value).decode() == f'{{"success":true,"value":{text}}}'


@named(OTHER_LETTERS)
def test_a_value_in_other_letters_reads_the_same(value: Any, text: str) -> None:
    assert written(value).decode() == f'{{"success":true,"value":{text}}}'
    assert json.loads(written(value)) == json.loads(as_rest_framework(value))


@named({name: SAME[name] for name in ("money", "time in UTC", "lazy text", "keys of other kinds", "array")} | LACKING)
def test_who_asks_for_lines_gets_the_same_values_in_lines(value: Any, text: str) -> None:
    lines = written(value, "application/json; indent=4").decode().splitlines()
    assert lines[:2] == ["{", '    "success": true,']
    assert json.loads("".join(lines)) == {"success": True, "value": json.loads(text)}


def test_deep_nesting_is_written() -> None:
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]
    assert written(deep) == as_rest_framework(deep)


@pytest.mark.parametrize("value", [Secretive(), [Secretive()], object(), {(1, 2): 3}, 1j])
def test_what_is_no_answer_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        as_rest_framework(value)
    with pytest.raises(TypeError):
        written(value)


def test_a_time_of_day_with_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="timezone-aware"):
        written(time(3, tzinfo=UTC))


def test_what_a_generator_gives_is_written() -> None:
    assert written(number for number in (1, 2)) == b'{"success":true,"value":[1,2]}'
