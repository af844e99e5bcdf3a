"""What happens next to a run, for every state and observation."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connections.errors import Unavailable
from exports.operations.observing import before_start, of_start
from exports.rules.decide import Facts, Failure, Observation, Policy, Seen, decide
from exports.rules.states import State, may_follow

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
POLICY = Policy(max_retries=5, retry_base=1, poll_base=1, poll_max=60, settle=120, max_doubt=3600, max_run=14400)
GONE = Failure("Finance service not reachable", "Connection refused.", "Check the variable.", "unreachable")

POSSIBLE = {
    State.BUILDING: [Seen.BUILT, Seen.REFUSED, Seen.BUSY, Seen.PERMANENT],
    State.READY: [Seen.UPLOADED, Seen.REFUSED, Seen.BUSY, Seen.PERMANENT],
    State.UPLOADED: [Seen.REFUSED, Seen.BUSY, Seen.PERMANENT],
    State.STARTING: [Seen.ACCEPTED, Seen.DOUBT, Seen.REFUSED, Seen.BUSY, Seen.PERMANENT],
    State.IN_DOUBT: [Seen.ACCEPTED, Seen.UNKNOWN_TO_FINANCE, Seen.CANNOT_ASK],
    State.RUNNING: [Seen.FOUND, Seen.FINISHED, Seen.UNKNOWN_TO_FINANCE, Seen.CANNOT_ASK],
    State.VERIFYING: [
        Seen.AGREES,
        Seen.DIFFERS,
        Seen.NOTHING_THERE,
        Seen.NOTHING_THERE_TRANSIENT,
        Seen.CANNOT_ASK,
    ],
}


def facts(state=State.UPLOADED, retries=0, sent=0.0, doubt=None, locked=True, asked=0):
    def ago(seconds):
        return None if seconds is None else NOW - timedelta(seconds=seconds)

    return Facts(state, retries, asked, ago(sent), ago(doubt), locked)


@pytest.mark.parametrize(("state", "seen"), [(s, o) for s, many in POSSIBLE.items() for o in many])
@given(
    retries=st.integers(0, 5),
    sent=st.floats(0, 20000),
    doubt=st.none() | st.floats(0, 20000),
    locked=st.booleans(),
    asked=st.integers(0, 500),
)
def test_every_decision_is_a_move_the_table_allows(state, seen, retries, sent, doubt, locked, asked):
    decision = decide(facts(state, retries, sent, doubt, locked, asked), Observation(seen, GONE), NOW, POLICY)
    assert decision.state is state or may_follow(state, decision.state)
    assert decision.wait >= 0


def test_the_system_retries_the_export_five_times_before_failing():
    used = 0
    while True:
        decision = decide(facts(State.READY, retries=used), Observation(Seen.REFUSED, GONE), NOW, POLICY)
        if decision.state is State.FAILED:
            break
        assert decision.retry
        used += 1
    assert used == 5
    assert decision.failure.headline == "Finance service not reachable"
    assert "contact your administrator or Microsoft support" in decision.failure.hint


def test_retries_wait_longer_each_time():
    waits = [decide(facts(State.READY, retries=n), Observation(Seen.REFUSED, GONE), NOW, POLICY).wait for n in range(5)]
    assert waits == [1, 2, 4, 8, 16]


@pytest.mark.parametrize("observed", [before_start, of_start])
def test_a_failure_that_names_a_time_is_not_tried_before_it_and_still_counts(observed):
    for asked_for, wait in ((90.0, 90.0), (0.5, 2.0), (None, 2.0)):
        seen = observed(Unavailable("The host answered 503.", retry_after=asked_for))
        decision = decide(facts(State.READY, retries=1), seen, NOW, POLICY)
        assert (decision.state, decision.wait, decision.retry) == (State.READY, wait, True)


def test_being_asked_to_wait_uses_no_retry():
    decision = decide(facts(State.STARTING, retries=5), Observation(Seen.BUSY, GONE, 7.0), NOW, POLICY)
    assert (decision.state, decision.wait, decision.retry) == (State.UPLOADED, 7.0, False)


def test_not_found_is_not_never_received_before_the_settle_time():
    seen = Observation(Seen.UNKNOWN_TO_FINANCE)
    assert decide(facts(State.IN_DOUBT, doubt=119), seen, NOW, POLICY).state is State.IN_DOUBT
    assert decide(facts(State.IN_DOUBT, doubt=121), seen, NOW, POLICY).state is State.UPLOADED


def test_nothing_is_sent_again_unless_asked_under_the_start_lock():
    decision = decide(facts(State.IN_DOUBT, doubt=600, locked=False), Observation(Seen.UNKNOWN_TO_FINANCE), NOW, POLICY)
    assert decision.state is State.IN_DOUBT


def test_doubt_that_lasts_too_long_needs_a_person():
    for seen in (Seen.UNKNOWN_TO_FINANCE, Seen.CANNOT_ASK):
        decision = decide(facts(State.IN_DOUBT, doubt=3601), Observation(seen), NOW, POLICY)
        assert decision.state is State.NEEDS_ATTENTION


def test_an_accepted_run_that_finance_forgets_is_never_sent_again():
    decision = decide(facts(State.RUNNING, sent=600), Observation(Seen.UNKNOWN_TO_FINANCE), NOW, POLICY)
    assert decision.state is State.RUNNING


@given(seen=st.sampled_from([Seen.FOUND, Seen.CANNOT_ASK, Seen.UNKNOWN_TO_FINANCE]), sent=st.floats(0, 14399))
def test_a_run_in_finance_never_fails_while_it_cannot_be_asked(seen, sent):
    assert decide(facts(State.RUNNING, sent=sent), Observation(seen, GONE), NOW, POLICY).state is State.RUNNING


def test_finance_failed_without_a_reason_and_without_lines_starts_a_new_attempt():
    decision = decide(facts(State.VERIFYING), Observation(Seen.NOTHING_THERE_TRANSIENT, GONE), NOW, POLICY)
    assert (decision.state, decision.new_attempt, decision.retry) == (State.UPLOADED, True, True)


def test_permission_and_validation_get_no_retry():
    decision = decide(facts(State.STARTING), Observation(Seen.PERMANENT, GONE), NOW, POLICY)
    assert (decision.state, decision.retry) == (State.FAILED, False)
