"""More commands of the command line, in the order in which they are listed; each loads what it needs when it runs."""

from experiments.explain_command import explain
from experiments.loops_command import loops
from experiments.theory_command import theory
from experiments.warn_command import warn

COMMANDS = (theory, explain, warn, loops)
