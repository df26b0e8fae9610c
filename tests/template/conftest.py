"""The stacks that most tests look at: template.yaml with one choice of parameters each."""

import pytest

from template.choices import NETWORK
from template.cloudformation import Stack


@pytest.fixture(scope="session")
def stack():
    """With the required parameters only."""
    return Stack()


@pytest.fixture(scope="session")
def own_balancer():
    """With a load balancer of its own."""
    return Stack(**NETWORK)


@pytest.fixture(scope="session")
def eventbridge():
    """RDS reports through EventBridge."""
    return Stack(EventSource="EventBridge")
