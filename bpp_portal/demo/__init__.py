"""The demo: everything on this machine, loopback only. Plain Python; Django runs in the processes that it starts."""
