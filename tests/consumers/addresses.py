"""Where everything listens: Linux answers on all of 127.0.0.0/8."""

PORT = 3306
BALANCER = "127.0.0.10"
INSTANCES = {"aurora-1": "127.0.0.11", "aurora-2": "127.0.0.12", "aurora-3": "127.0.0.13"}
NAMES = {address: name for name, address in INSTANCES.items()}
REPLICA = "127.0.0.20"

# The matrix has servers and a balancer of its own; its replicas take the addresses from 127.0.1.1 on.
PATHS = "127.0.0.30"
WRITER, READER, GATED = "127.0.0.31", "127.0.0.32", "127.0.0.33"
POSTGRES = 5432
PRIMARY, STANDBY, SUBSCRIBER = "127.0.0.34", "127.0.0.35", "127.0.0.36"
