"""Stages come from the events of a run and from nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from exports.rules.stages import Event, span_text, stages_of
from exports.rules.states import State

BEGIN = datetime(2026, 11, 24, 10, tzinfo=UTC)
WHOLE_WAY = ["REQUESTED", "BUILDING", "READY", "UPLOADED", "STARTING", "RUNNING", "VERIFYING", "SUCCEEDED"]


def events(*names):
    return [Event(State(name), BEGIN + timedelta(seconds=number)) for number, name in enumerate(names)]


def looks(*names):
    return [stage.look for stage in stages_of(events(*names))]


def test_before_anything_happened_nothing_is_done():
    assert [stage.look for stage in stages_of([])] == ["todo"] * 6


@pytest.mark.parametrize(
    ("reached", "wanted"),
    [
        (1, ["now", "todo", "todo", "todo", "todo", "todo"]),
        (3, ["done", "now", "todo", "todo", "todo", "todo"]),
        (5, ["done", "done", "now", "todo", "todo", "todo"]),
        (6, ["done", "done", "done", "now", "todo", "todo"]),
        (8, ["done"] * 6),
    ],
)
def test_stages_follow_the_events(reached, wanted):
    assert looks(*WHOLE_WAY[:reached]) == wanted


def test_a_stage_without_an_event_is_never_shown_as_done():
    assert looks("REQUESTED", "BUILDING", "FAILED") == ["done", "bad", "todo", "todo", "todo", "bad"]
    assert looks("REQUESTED", "CANCELLED") == ["warn", "todo", "todo", "todo", "todo", "warn"]


def test_a_retry_begins_anew():
    assert looks("REQUESTED", "BUILDING", "FAILED", "REQUESTED") == ["now", "todo", "todo", "todo", "todo", "todo"]


def test_the_end_carries_its_own_name_and_the_whole_time():
    end = stages_of(events(*WHOLE_WAY))[-1]
    assert (end.name, end.lasted) == ("Completed", timedelta(seconds=7))
    assert stages_of(events("REQUESTED", "BUILDING", "FAILED"))[-1].name == "Failed"


def test_time_in_a_stage_adds_up_over_its_visits():
    sending = stages_of(events("REQUESTED", "BUILDING", "READY", "UPLOADED", "STARTING", "IN_DOUBT", "RUNNING"))[2]
    assert sending.lasted == timedelta(seconds=3)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (2.13, "2.1 s"), (37, "37 s"), (64, "1:04"), (3723, "1:02:03")]
)
def test_spans_read_like_a_clock(seconds, text):
    assert span_text(timedelta(seconds=seconds)) == text
