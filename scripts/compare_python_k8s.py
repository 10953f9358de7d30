"""Alpacalert 0.1.2 (Python) looks at a whole cluster, and prints its tree: kubeconfig as the only argument.

Prints the seconds from the first line of this file on, with the imports, to standard error.
"""

import time

start = time.perf_counter()

import sys

import kr8s
from alpacalert.instrumentor import Kind
from alpacalert.instrumentors.k8s import InstrumentorK8sRegistry, K8s
from alpacalert.visualisers.console import VisualiserConsole

k8s = K8s(kr8s.api(kubeconfig=sys.argv[1]))
registry = InstrumentorK8sRegistry(k8s)
cluster = registry.instrument(Kind("kubernetes.io", "Clusters"), cluster=None)[0]
print(VisualiserConsole().visualise(cluster))
print(f"{time.perf_counter() - start:.6f}", file=sys.stderr)
