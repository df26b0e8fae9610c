"""The stacks that most tests look at: template.yaml with one choice of parameters each."""

import pytest

from template.choices import CHOICES, NETWORK
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


@pytest.fixture(scope="session")
def both():
    """RDS reports through SNS and through EventBridge."""
    return Stack(EventSource="Both")


@pytest.fixture(scope="session")
def in_a_vpc():
    """The function runs in a VPC."""
    return Stack(**CHOICES["VPC"])
