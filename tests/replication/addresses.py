"""Where everything listens: Linux answers on all of 127.0.0.0/8."""

PORT = 3306
BALANCER = "127.0.0.10"
INSTANCES = {"aurora-1": "127.0.0.11", "aurora-2": "127.0.0.12", "aurora-3": "127.0.0.13"}
NAMES = {address: name for name, address in INSTANCES.items()}
CONSUMER = "127.0.0.20"
