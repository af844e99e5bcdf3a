#!/usr/bin/env python
"""Runs the portal's commands; without further settings they act on the demo in this folder."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bpp_portal.settings")
    execute_from_command_line(sys.argv)
