"""One sensor of a tree of constants changes: how long until Alpacalert 0.1.2 (Python) knows the state of the root.

It keeps no states, so that it asks every node again. Prints the median of five runs, in seconds.
"""

import statistics
import sys
import time

from alpacalert.generic import SensorConstant, SystemAll
from alpacalert.models import State, Status

FAN_OUT = 10


def tree(nodes):
	"""The same tree as in the benchmark: the members of node n are those from 10 n + 1 to 10 n + 10."""
	made = {}
	for n in reversed(range(nodes)):
		members = [made[c] for c in range(FAN_OUT * n + 1, min(FAN_OUT * n + FAN_OUT + 1, nodes))]
		if members:
			made[n] = SystemAll(name=f"node-{n}", scanners=members)
		else:
			made[n] = SensorConstant(name=f"node-{n}", val=Status(state=State.PASSING))
	return made


made = tree(int(sys.argv[1]))
sensor = next(node for node in made.values() if isinstance(node, SensorConstant))
times = []
for run in range(5):
	state = State.FAILING if run % 2 == 0 else State.PASSING
	sensor.val = Status(state=state)
	start = time.perf_counter()
	root = made[0].status()
	times.append(time.perf_counter() - start)
	assert root.state == state
print(f"{statistics.median(times):.9f}")
