#!/usr/bin/env python3
"""Prints a web shop in trouble as a blueprint for Alpacalert's exec source: for pictures, and to try the pages with.

usage: shop.py [calm|trouble|storm]
"""

import json
import math
import sys
import time

NAMESPACE = "shop.example.com"
MODE = sys.argv[1] if len(sys.argv) > 1 else "trouble"
NOW = time.time()

nodes = []


def ref(kind, name):
    return {"kind": f"{NAMESPACE}/{kind}", "reference": name}


def wave(name, base, swing):
    """A value that moves, each in its own way, the same at the same time."""
    phase = sum(name.encode()) % 97
    return round(base + swing * math.sin(NOW / 37 + phase) + swing / 3 * math.sin(NOW / 7 + phase * 3), 4)


def sensor(kind, name, title=None, state=None, said=None, values=(), owner=None):
    observation = {"measurements": list(values)}
    if state:
        observation["state"] = state
    elif not values:
        observation["state"] = "passing"
    if said:
        observation["messages"] = [{"text": said}]
    node = {**ref(kind, name), "title": title or name, "observation": observation}
    if owner:
        node["owner"] = owner
    nodes.append(node)
    return ref(kind, name)


def system(kind, name, title, members, **more):
    nodes.append({**ref(kind, name), "title": title, "members": members, **more})
    return ref(kind, name)


def value(name, value, unit, degraded=None, failing=None):
    out = {"name": name, "value": value, "unit": unit}
    if degraded:
        out["degraded"] = degraded
    if failing:
        out["failing"] = failing
    return out


def host(name, free=None):
    free = free if free is not None else wave(name, 140e9, 4e9)
    return system("Host", name, f"host {name}", [
        sensor("Host#load", name, "load", values=[value("load per processor", wave(name, 0.6, 0.3), "", {"above": 2}, {"above": 8})]),
        sensor("Host#memory", name, "memory", values=[value("memory in use", wave(name + "m", 61, 9), "%", {"above": 85}, {"above": 97})]),
        sensor("Host#disk", name, "disk /", values=[value("free space", free, "B", {"below": 50e9}, {"below": 5e9})]),
    ])


def web(name, slow=0.0, **more):
    latency = abs(wave(name, 0.12 + slow, 0.05))
    return sensor("Endpoint", name, f"https://{name}.example.com/", values=[
        value("time to first byte", latency, "s", {"above": 0.5}, {"above": 2}),
        value("certificate expires in", 61 * 86400 if name != "pay" else 9 * 86400, "s", {"below": 14 * 86400}, {"below": 2 * 86400}),
    ], **more)


def pods(name, count, down=0):
    members = []
    for n in range(count):
        pod = f"{name}-{n}"
        if n < down:
            members.append(sensor("Pod", pod, f"pod {pod}", "failing", "CrashLoopBackOff: back-off 5m0s restarting failed container app: exit code 137 (OOMKilled)"))
        else:
            members.append(sensor("Pod", pod, f"pod {pod}", values=[value("restarts in the last hour", 0, "count", {"above": 1})]))
    return system("Deployment", name, f"deployment {name}", members, rule={"percent": 60}, degraded_below=count)


def main():
    trouble, storm = MODE == "trouble", MODE == "storm"
    queue_bad = trouble or storm
    queue = system("Queue", "orders", "Message queue", [
        sensor("Queue#port", "orders", "amqp port"),
        sensor("Queue#exists", "orders", "queue `orders`", "failing" if queue_bad else None,
               "queue `orders` is missing: NOT_FOUND - no queue 'orders' in vhost '/'" if queue_bad else None),
        sensor("Queue#consumers", "orders", "consumers", values=[value("consumers", 0 if queue_bad else 6, "count", {"below": 3})]),
    ], owner="infrastructure team", service={"public": True})
    database = system("Database", "main", "Main database", [
        sensor("Postgres", "db-1", "db-1", "failing" if trouble or storm else None,
               "connection refused (db-1.internal:5432)" if trouble or storm else None),
        sensor("Postgres", "db-2", "db-2", "failing" if storm else None, "connection refused (db-2.internal:5432)" if storm else None,
               values=[value("replication lag", abs(wave("lag", 0.4, 0.3)), "s", {"above": 5}, {"above": 60})]),
    ], rule="any", degraded_below=2, owner="data team", service={})
    gateway = system("Gateway", "payments", "Payment provider", [
        sensor("Endpoint", "provider", "api.payments.example", "unknown" if trouble else ("failing" if storm else None),
               "no answer within 5 s from api.payments.example: the provider may be down, or the way to it" if trouble or storm else None),
    ], owner="payments team")
    racks = [host(f"web-{n}", 31e9 if trouble and n == 3 else None) for n in range(1, 7)]
    front = system("Frontend", "shop", "Frontend", [web("www"), pods("shop-web", 6, 1 if trouble else 0)], owner="web team")
    cache = system("Cache", "redis", "Cache", [sensor("Redis", f"redis-{n}", values=[value("memory in use", wave(f"r{n}", 52, 5), "%", {"above": 80}, {"above": 95})]) for n in (1, 2, 3)], rule={"at_least": 2}, owner="infrastructure team")

    service = lambda name, title, members, owner, public=False: system(
        "Service", name, title, members, owner=owner, service={"public": public} if public else {})
    service("browse", "Browsing the shop", [front, cache], "web team", True)
    service("checkout", "Checkout", [front, queue, database, gateway], "web team", True)
    service("search", "Search", [system("Search", "index", "Search index", [web("search", 0.55 if trouble else 0), pods("search", 3)], owner="data team"), cache], "data team", True)
    service("orders", "Order processing", [queue, pods("orders", 4), database], "orders team")
    service("invoices", "Invoices", [queue, database], "payments team")
    service("accounts", "Customer accounts", [database, web("id")], "web team", True)
    service("mail", "Mail to customers", [sensor("Mail", "smtp", "smtp relay", values=[value("mails waiting", 14, "count", {"above": 500})])], "infrastructure team")
    service("images", "Product images", [web("img"), sensor("Bucket", "images", "bucket images")], "web team", True)
    service("recommendations", "Recommendations", [pods("recommend", 3), cache], "data team")
    service("warehouse", "Warehouse interface", [web("wms")], "orders team")
    service("reports", "Reports for the business", [database, sensor("Job", "nightly", "nightly export", values=[value("age of the newest export", 7 * 3600, "s", {"above": 26 * 3600}, {"above": 50 * 3600})])], "data team")
    service("ci", "Builds", [pods("runners", 8)], "infrastructure team")
    service("hosts", "Hosts of the shop", racks, "infrastructure team")
    service("dns", "Names", [sensor("Dns", f"ns{n}.example.com", values=[value("time to answer", abs(wave(f"ns{n}", 0.012, 0.004)), "s", {"above": 0.2})]) for n in (1, 2)], "infrastructure team")
    if storm:
        for n in range(40):
            service(f"tenant-{n}", f"Tenant {n} with a name that is rather long, as those of tenants are, {'and longer still ' * (n % 4)}", [queue, database], f"team of tenant {n % 7}", n % 5 == 0)
    json.dump({"version": 1, "nodes": nodes}, sys.stdout, allow_nan=False)


if __name__ == "__main__":
    main()
