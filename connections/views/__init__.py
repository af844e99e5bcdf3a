"""Pages of connections, flows and environments."""
