"""The transition table is total, reachable, and drawn in the README as it is."""

from pathlib import Path

from exports.rules.states import (
    ACTIVE,
    CHIP_OF,
    FLOW_OF,
    STAGE_OF,
    TERMINAL,
    TRANSITIONS,
    State,
    diagram,
    may_follow,
)


def test_every_state_has_transitions_words_and_a_stage():
    assert set(TRANSITIONS) == set(CHIP_OF) == set(STAGE_OF) == set(State)


def test_every_active_state_is_moved_on_by_a_flow_or_waits_for_a_person():
    assert set(FLOW_OF) == ACTIVE - {State.AWAITING_APPROVAL}


def test_every_state_can_be_reached_from_requested():
    seen, todo = set(), [State.REQUESTED]
    while todo:
        state = todo.pop()
        if state not in seen:
            seen.add(state)
            todo += TRANSITIONS[state]
    assert seen == set(State)


def test_succeeded_is_reached_through_verifying_only():
    assert [state for state in State if may_follow(state, State.SUCCEEDED)] == [State.VERIFYING]


def test_after_the_start_left_a_run_is_never_simply_cancelled():
    for state in (State.STARTING, State.IN_DOUBT, State.RUNNING):
        assert not may_follow(state, State.CANCELLED)


def test_terminal_states_end_except_for_a_retry_or_a_decision():
    ends = {state for state in TERMINAL if not TRANSITIONS[state]}
    assert ends == {State.SUCCEEDED, State.PARTIAL, State.CANCELLED}


def test_the_readme_shows_the_transition_table_as_it_is():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert diagram() in readme
