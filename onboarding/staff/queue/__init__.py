"""What needs a hand, the worst first: the first thing that staff see."""

from onboarding.staff.queue.everything import work_queue
from onboarding.staff.queue.keys import STUCK_AFTER
from onboarding.staff.queue.pile import SHOWN, Pile, Task

__all__ = ["SHOWN", "STUCK_AFTER", "Pile", "Task", "work_queue"]
