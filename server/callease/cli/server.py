"""The web server's side of `callease serve`: what each of its worker processes runs."""

from __future__ import annotations

from flask import Flask

from callease.app import build_services, create_app
from callease.settings import load_settings


def make() -> Flask:
    return create_app(build_services(load_settings()))
