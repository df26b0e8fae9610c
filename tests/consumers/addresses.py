"""Where everything listens: Linux answers on all of 127.0.0.0/8."""

PORT = 3306
BALANCER = "127.0.0.10"
INSTANCES = {"aurora-1": "127.0.0.11", "aurora-2": "127.0.0.12", "aurora-3": "127.0.0.13"}
# One Multi-AZ DB instance has a server in each of two zones, and one name, which leads to its primary.
DB_INSTANCE, ENDPOINT = "orders", "orders.abc.eu-west-1.rds.amazonaws.com"
ZONES = {"orders-a": "127.0.0.14", "orders-b": "127.0.0.15"}
# A process with this in its environment looks up names in the file of hosts NSS_WRAPPER_HOSTS first.
NSS_WRAPPER = {"LD_PRELOAD": "libnss_wrapper.so"}
SERVERS = INSTANCES | ZONES
NAMES = {address: name for name, address in SERVERS.items()}
REPLICA = "127.0.0.20"

# The matrix has servers and a balancer of its own, whose port is another for each consumer, from the first on; by that number
# its replicas have 127.0.1.1 and so on, and a host on the way 127.0.2.1 and so on.
Place = tuple[str, int]
PATHS, FIRST_PATH = "127.0.0.30", 3400
WRITER, READER, GATED = "127.0.0.31", "127.0.0.32", "127.0.0.33"
POSTGRES = 5432
PRIMARY, STANDBY, SUBSCRIBER = "127.0.0.34", "127.0.0.35", "127.0.0.36"
