"""Times that are written in words, as Resend's clients take them (contract row C-72): `in 1 hour`,
`tomorrow at 9am`, `Friday at 3pm ET`.

A phrase is read as a whole or not at all: a time that is only guessed would send mail when nobody wants it.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

EXAMPLES: Final = "`in 5 min`, `in 2 hours`, `tomorrow at 9am`, `Friday at 3pm ET`"
"""Phrases that are understood, for texts."""

MAX_LENGTH: Final = 100
"""Characters of the longest phrase that is read."""

_UNITS: Mapping[str, timedelta] = {
    name: timedelta(seconds=seconds)
    for names, seconds in (
        ("s sec secs second seconds", 1),
        ("m min mins minute minutes", 60),
        ("h hr hrs hour hours", 3_600),
        ("d day days", 86_400),
        ("w wk wks week weeks", 604_800),
    )
    for name in names.split()
}
_NUMBERS: Mapping[str, float] = {
    "half a": 0.5,
    "half an": 0.5,
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
}
_WEEKDAYS: Mapping[str, int] = {
    name: day
    for day, names in enumerate(
        (
            "monday mon",
            "tuesday tue tues",
            "wednesday wed",
            "thursday thu thur thurs",
            "friday fri",
            "saturday sat",
            "sunday sun",
        )
    )
    for name in names.split()
}
_HOURS: Mapping[str, time] = {"noon": time(12), "midday": time(12), "midnight": time(0)}
# The zones by the names that people in North America write, summer time or not, and those of the clock.
_ZONES: Mapping[str, str] = {
    name: zone
    for zone, names in (
        ("America/New_York", "et est edt"),
        ("America/Chicago", "ct cst cdt"),
        ("America/Denver", "mt mst mdt"),
        ("America/Los_Angeles", "pt pst pdt"),
        ("Europe/Paris", "cet cest"),
    )
    for name in names.split()
}

_AMOUNT = rf"(?:\d{{1,5}}(?:\.\d)?|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})"
_SPAN = rf"{_AMOUNT}\s*(?:{'|'.join(sorted(_UNITS, key=len, reverse=True))})(?![a-z])"
_SPANS = rf"{_SPAN}(?:(?:\s*,)?(?:\s+and)?\s*{_SPAN})*"
_RELATIVE = re.compile(rf"in\s+(?P<after>{_SPANS})|(?P<later>{_SPANS})\s+(?:from\s+now|later)", re.ASCII)
_ONE_SPAN = re.compile(rf"({_AMOUNT})\s*([a-z]+)", re.ASCII)
_DAY = (
    r"(?P<day>today|tonight|tomorrow|(?:day\s+)?after\s+tomorrow|(?:(?:on|this|next|coming)\s+)?"
    rf"(?:{'|'.join(_WEEKDAYS)})|next\s+week|\d{{4}}-\d\d-\d\d)"
)
_PERIOD = r"(?:\s*(?P<part>morning|afternoon|evening|night))?"
_CLOCK = rf"(?P<clock>{'|'.join(_HOURS)}|\d{{1,2}}(?::\d\d)?\s*[ap]\.?m\.?|\d{{1,2}}:\d\d)"
_ZONE = rf"(?:\s*\(?(?P<zone>utc|gmt|z|{'|'.join(_ZONES)}|[a-z]+/[a-z_]+)\)?)?"
_ABSOLUTE = re.compile(
    rf"(?:{_DAY}{_PERIOD}(?:,?\s+(?:at\s+)?{_CLOCK}{_ZONE})?)"
    rf"|(?:(?:at\s+)?{_CLOCK.replace('clock', 'clock_first')}{_ZONE.replace('zone', 'zone_first')}"
    rf"(?:,?\s+{_DAY.replace('<day>', '<day_last>')}{_ZONE.replace('zone', 'zone_last')})?)",
    re.ASCII,
)
_PARTS: Mapping[str, time] = {
    "morning": time(9),
    "afternoon": time(14),
    "evening": time(18),
    "night": time(21),
}


def moment_of(phrase: str, now_ms: int) -> int | None:
    """The moment that a phrase means now, in milliseconds since 1970 UTC; None if it is not understood.

    Without a zone the clock is UTC (C-25); a day without a clock keeps that of now.
    """
    if len(phrase) > MAX_LENGTH:
        return None
    text = " ".join(phrase.lower().split())
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    try:
        if (match := _RELATIVE.fullmatch(text)) is not None:
            moment = now + _span(match["after"] or match["later"])
        elif (match := _ABSOLUTE.fullmatch(text)) is not None:
            moment = _moment(match, now)
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return int(moment.timestamp() * 1000)


def _span(text: str) -> timedelta:
    return sum(
        (_UNITS[unit] * _number(amount) for amount, unit in _ONE_SPAN.findall(text.replace(" and ", " "))),
        timedelta(),
    )


def _number(text: str) -> float:
    return _NUMBERS[text] if text in _NUMBERS else float(text)


def _moment(match: re.Match[str], now: datetime) -> datetime:
    """Raises ValueError for a day, a clock or a zone that does not exist."""
    zone = _zone(match["zone"] or match["zone_first"] or match["zone_last"] or "utc")
    here = now.astimezone(zone)
    day = match["day"] or match["day_last"]
    clock = match["clock"] or match["clock_first"]
    if clock:
        hour = _time(clock)
    elif match["part"] or day == "tonight":
        hour = _PARTS[match["part"] or "night"]
    elif day[0].isdigit():
        raise ValueError("a date needs a clock")
    else:
        hour = here.timetz().replace(tzinfo=None)
    if not day:
        # The next time that the clock shows it.
        moment = datetime.combine(here.date(), hour, zone)
        return moment if moment > here else datetime.combine(here.date() + timedelta(1), hour, zone)
    moment = datetime.combine(_date(day, here), hour, zone)
    is_weekday = day.rpartition(" ")[2] in _WEEKDAYS
    # On a Friday, `Friday at 3pm` is today until 3 pm.
    return moment + timedelta(7) if is_weekday and moment <= here else moment


def _date(day: str, here: datetime) -> date:
    today = here.date()
    words = day.split()
    if words[-1] in ("today", "tonight"):
        return today
    if words[-1] == "tomorrow":
        return today + timedelta(1 if len(words) == 1 else 2)
    if words[-1] == "week":
        return today + timedelta(7)
    if words[-1] in _WEEKDAYS:
        return today + timedelta((_WEEKDAYS[words[-1]] - today.weekday()) % 7)
    return datetime.fromisoformat(day).date()


def _time(clock: str) -> time:
    if clock in _HOURS:
        return _HOURS[clock]
    digits = re.match(r"(\d+)(?::(\d+))?", clock)
    assert digits is not None
    hour, minute = int(digits[1]), int(digits[2] or 0)
    if clock[-1].isdigit():
        return time(hour, minute)
    if not 1 <= hour <= 12:
        raise ValueError(f"not an hour: {clock}")
    return time(hour % 12 + (12 if "p" in clock else 0), minute)


def _zone(name: str) -> tzinfo:
    if name in ("utc", "gmt", "z"):
        return UTC
    if name in _ZONES:
        return ZoneInfo(_ZONES[name])
    area, _, place = name.partition("/")
    try:
        return ZoneInfo(f"{area.title()}/{'_'.join(word.title() for word in place.split('_'))}")
    except (OSError, KeyError):
        raise ValueError(f"not a zone: {name}") from None
