from lightspeed.outbound.deadline import Deadline


class HandClock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_deadline_counts_down_to_nothing() -> None:
    clock = HandClock()
    deadline = Deadline.after(10.0, clock=clock)
    assert deadline.seconds_left() == 10.0
    clock.now += 9.0
    assert not deadline.is_over()
    clock.now += 1.0
    assert deadline.is_over()
    clock.now += 5.0
    assert deadline.seconds_left() == 0.0


def test_the_sooner_of_two_counts() -> None:
    clock = HandClock()
    whole = Deadline.after(25.0, clock=clock)
    assert whole.sooner(10.0).seconds_left() == 10.0
    clock.now += 20.0
    assert whole.sooner(10.0).seconds_left() == 5.0


def test_by_default_it_runs_on_a_clock_that_never_jumps() -> None:
    assert 0.0 < Deadline.after(60.0).seconds_left() <= 60.0
