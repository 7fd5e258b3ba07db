"""What all tests of a process share, such as a server, and is ended once they have ended.

Not only as the process exits: on a busy machine, that takes longer than xdist leaves its processes.
"""

import atexit
from contextlib import ExitStack

AT_THE_END = ExitStack()
atexit.register(AT_THE_END.close)
