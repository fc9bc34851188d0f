"""Threads for steps: one each while it lasts, and used again."""

import threading

from tests.waiting import eventually

from nomaflow.runner.hosts.crew import Crew


def test_works_at_the_same_time_have_a_thread_each() -> None:
    crew, together = Crew(), threading.Barrier(4, timeout=20)
    for number in range(3):
        crew.take(together.wait, name=f"step {number}")

    assert together.wait() in range(4)


def test_the_next_work_is_done_by_the_same_thread_under_its_own_name() -> None:
    crew = Crew()
    first = done_by(crew, "step one")
    eventually(lambda: crew.idle == 1)
    second = done_by(crew, "step two")

    assert first[0] is second[0]
    assert [first[1], second[1]] == ["step one", "step two"]


def test_dismissed_threads_end() -> None:
    crew = Crew()
    thread, _ = done_by(crew, "step")
    eventually(lambda: crew.idle == 1)
    crew.dismiss()
    thread.join(20)

    assert not thread.is_alive()


def test_a_thread_that_nobody_needs_ends_by_itself() -> None:
    crew = Crew(idle_seconds=0.01)
    thread, _ = done_by(crew, "step")
    thread.join(20)

    assert (thread.is_alive(), crew.idle) == (False, 0)


def done_by(crew: Crew, name: str) -> tuple[threading.Thread, str]:
    """The thread that did a piece of work, and its name meanwhile."""
    done = threading.Event()
    found: list[tuple[threading.Thread, str]] = []

    def work() -> None:
        thread = threading.current_thread()
        found.append((thread, thread.name))
        done.set()

    crew.take(work, name=name)
    assert done.wait(20)
    return found[0]
