"""Prometheus metrics; they add up over all worker processes of a server through files in the data directory."""

from __future__ import annotations

import os

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

LEASES = Counter("callease_leases_total", "Answers to reveals, by kind of number", ["kind"])
SUSPICIOUS_REVEALS = Counter(
    "callease_suspicious_reveals_total", "Reveals that got no lease, by the budget that was spent", ["budget"]
)
REVEAL_SECONDS = Histogram(
    "callease_reveal_seconds",
    "Time to answer a reveal",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2),
)
CALL_EVENTS = Counter(
    "callease_call_events_total", "Messages of telephony providers, by what became of them", ["result"]
)
ROUTES = Counter("callease_routes_total", "Answers to 'where does this call go?', by what they came from", ["source"])

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
def metrics() -> Response:
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
