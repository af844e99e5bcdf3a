"""Pages of environments, connections, flows and readiness."""
