"""What tests of campaigns share."""

from __future__ import annotations

import pytest

from gateway.deployment import Deployment
from gateway.settings import Settings


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    return Deployment.open(settings)
