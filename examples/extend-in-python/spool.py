#!/usr/bin/env python3
"""Prints the queues of a spool folder as a blueprint for Alpacalert's exec source.

A spool is a folder with a folder for each queue. A file in a queue is a message that waits; a file in the queue's
folder `failed` is one that nobody could handle. Nothing but Python's standard library is used.

usage: spool.py SPOOL [--waiting N] [--oldest SECONDS]
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

NAMESPACE = "spool.example.com"


def messages(folder: Path) -> list[os.stat_result]:
    """The messages in a folder. One that a worker takes while we look is none."""
    found = []
    for entry in os.scandir(folder):
        try:
            if entry.is_file():
                found.append(entry.stat())
        except FileNotFoundError:
            pass
    return found


def backlog(queue: Path, now: float, args: argparse.Namespace) -> dict:
    waiting = messages(queue)
    oldest = max((now - message.st_mtime for message in waiting), default=0.0)
    # Without a state of its own, a node gets the one that its limits say.
    return {
        "measurements": [
            {
                "name": "messages waiting",
                "value": len(waiting),
                "unit": "count",
                "degraded": {"above": args.waiting},
                "failing": {"above": 10 * args.waiting},
            },
            {
                "name": "oldest message",
                "value": max(oldest, 0.0),
                "unit": "s",
                "degraded": {"above": args.oldest},
            },
        ]
    }


def failures(queue: Path) -> dict:
    folder = queue / "failed"
    count = len(messages(folder)) if folder.is_dir() else 0
    observation = {
        "state": "degraded" if count else "passing",
        "measurements": [
            {
                "name": "messages that failed",
                "value": count,
                "unit": "count",
                "degraded": {"above": 0},
            }
        ],
    }
    if count:
        observation["reason"] = "failed-messages"
        observation["messages"] = [{"text": f"look into {folder}"}]
    return observation


def look(queue: Path, observe) -> dict:
    """A queue that we cannot read is Unknown, and the others are as they are."""
    try:
        return observe(queue)
    except OSError as error:
        return {
            "state": "unknown",
            "reason": "unreadable",
            "messages": [{"text": f"cannot read {queue}: {error.strerror}"}],
        }


def blueprint(spool: Path, args: argparse.Namespace) -> dict:
    now = time.time()
    queues = sorted(path for path in spool.iterdir() if path.is_dir())
    nodes = [
        {
            "kind": f"{NAMESPACE}/Spool",
            "reference": str(spool),
            "title": f"spool {spool.name}",
            "service": {},
            "members": [
                {"kind": f"{NAMESPACE}/Queue", "reference": str(queue)}
                for queue in queues
            ],
        }
    ]
    for queue in queues:
        reference = str(queue)
        nodes += [
            {
                "kind": f"{NAMESPACE}/Queue",
                "reference": reference,
                "title": f"queue {queue.name}",
                "fields": {"queue": queue.name},
                "members": [
                    {"kind": f"{NAMESPACE}/Queue#backlog", "reference": reference},
                    {
                        "kind": f"{NAMESPACE}/Queue#failed",
                        "reference": reference,
                        "effect": "degrades",
                    },
                ],
            },
            {
                "kind": f"{NAMESPACE}/Queue#backlog",
                "reference": reference,
                "title": "backlog",
                "observation": look(queue, lambda path: backlog(path, now, args)),
            },
            {
                "kind": f"{NAMESPACE}/Queue#failed",
                "reference": reference,
                "title": "failed messages",
                "observation": look(queue, failures),
            },
        ]
    return {"version": 1, "nodes": nodes}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("spool", type=Path)
    parser.add_argument("--waiting", type=int, default=100)
    parser.add_argument("--oldest", type=float, default=600.0)
    args = parser.parse_args()
    try:
        document = blueprint(args.spool, args)
    except OSError as error:
        # Anything but exit code 0 makes every node of the source Unknown, with this line.
        print(f"cannot read the spool {args.spool}: {error.strerror}", file=sys.stderr)
        return 1
    # NaN and Infinity are no JSON.
    json.dump(document, sys.stdout, allow_nan=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
